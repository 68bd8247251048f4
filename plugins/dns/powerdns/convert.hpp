// SPDX-License-Identifier: Apache-2.0
// Between PowerDNS's JSON and RRsets, both ways; and the comparison that decides whether somebody
// else changed an RRset. Pure; JSON from the server is checked here and nowhere else.
#pragma once

#include <mxferry/dns_records.hpp>

namespace powerdns {

namespace sdk = mxferry::sdk;

struct ZoneDocument {
  std::string name, id, kind;
  std::int64_t serial = 0;
  std::vector<sdk::RRset> rrsets{};
};

/// GET /zones/{zone}. An answer without a list of RRsets is an error, never an empty zone.
sdk::Result<ZoneDocument> parse_zone(std::string_view body, const std::string& zone);
/// GET /zones.
sdk::Result<std::vector<sdk::Zone>> parse_zone_list(std::string_view body);
/// The body of PATCH /zones/{zone} for the changes.
sdk::Result<std::string> patch_body(const std::vector<sdk::Change>& changes);
/// Equal for a resolver, and the same records disabled.
bool same_served(const sdk::RRset& a, const sdk::RRset& b);

/// A zone name in a path of the API: everything but letters, digits, - . and _ is =XX.
std::string zone_in_path(std::string_view name);

}  // namespace powerdns
