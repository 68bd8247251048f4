// SPDX-License-Identifier: Apache-2.0
// Domain Connect templates (domainconnect.org): the record sets that a mail provider publishes for
// its customers' zones, and what they make of a zone: MX replaced, SPF merged, other TXT kept
// unless the template says that it gives way. PURE but for what Lookups do. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/zone.hpp"
#include "protocol/dns/lookup.hpp"

namespace mxferry::plan {

/// A record of a template; texts hold %variables%.
struct ConnectRecord {
  std::string type;   // A AAAA CNAME MX SRV TXT SPFM
  std::string group;  // empty: none
  std::string host;   // of SRV its `name`
  std::string data;   // where it points to, the text of TXT, the rules of SPFM
  std::string ttl;    // seconds
  std::string priority, weight, port, service, protocol;
  std::string conflicts;  // TXT: None, All, Prefix
  std::string prefix;
};

struct ConnectTemplate {
  std::string provider, service, description;
  bool host_required = false;
  std::vector<ConnectRecord> records;
};

/// ErrorCode::config with the reason where it is none, or holds what is not a record of DNS
/// (redirections, aliases at the apex).
Result<ConnectTemplate> read_connect_template(std::string_view text, std::string_view where);

/// The variables that a value must be given for, sorted; `groups` empty: of all groups.
std::vector<std::string> connect_variables(const ConnectTemplate& from,
                                           const std::vector<std::string>& groups = {});

struct ConnectRequest {
  std::string domain;                              // canonical
  std::string host{};                              // below it, without final dot; empty: itself
  std::map<std::string, std::string> variables{};  // without the %
  std::vector<std::string> groups{};               // only these; empty: all
};

struct ConnectChange {
  std::vector<ZoneRRset> sets{};         // as they are to stand; no records: deleted
  std::vector<std::string> dropped{};    // texts of TXT strings that give way
  std::vector<std::string> conflicts{};  // sentences: what gives way to what
  std::vector<std::string> notes{};      // sentences: how SPF was merged
};

/// What stands already is not in `sets`. ErrorCode::usage where variables or the host are missing,
/// config where a value makes no record, gate where SPF cannot be merged with proof or a name may
/// not be touched, network where a lookup failed.
Result<ConnectChange> change_by_template(const ConnectTemplate& from, const ConnectRequest& request,
                                         const ZoneSnapshot& zone, dns::Lookups& lookups);

}  // namespace mxferry::plan
