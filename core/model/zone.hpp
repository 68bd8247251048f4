// SPDX-License-Identifier: Apache-2.0
// A DNS zone as a provider's API shows it, and a change to it: plain values, any thread. Names are
// absolute, lower case, A-labels, with the final dot; rdata is RFC 1035 presentation with absolute
// names (core/protocol/dns reads and writes both).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mxferry {

struct ZoneRecord {
  std::string rdata;
  std::string id{};  // the API's own id, or empty
  std::string
      extra{};  // JSON of what else must survive a write (comment, disabled, proxied, …), or empty
  bool operator==(const ZoneRecord&) const = default;
};

/// All records of one owner name and type: the unit that caches hold (RFC 2181 §5).
struct ZoneRRset {
  std::string name;
  std::string type;  // mnemonic, upper case: MX, TXT, …
  std::uint32_t ttl = 0;
  std::string etag{};
  std::vector<ZoneRecord> records;
  bool operator==(const ZoneRRset&) const = default;
};

/// Every RRset of a zone at one moment. A snapshot exists only if the read was complete.
struct ZoneSnapshot {
  std::string zone;
  std::vector<ZoneRRset> rrsets;
  const ZoneRRset* find(const std::string& name, const std::string& type) const {
    for (const auto& set : rrsets)
      if (set.name == name && set.type == type) return &set;
    return nullptr;
  }
};

struct ZoneInfo {
  std::string name;
  std::string id{};
  std::string etag{};
  std::uint32_t min_ttl = 0;                // the API's floor in seconds; 0: none known
  std::vector<std::string> name_servers{};  // those the account's zone has, absolute
};

/// before empty: the RRset must not exist; after empty: it is deleted. Both set: it is replaced as
/// a whole.
struct ZoneChange {
  std::optional<ZoneRRset> before;
  std::optional<ZoneRRset> after;
  bool operator==(const ZoneChange&) const = default;
};

enum class Applied { none, all, partial, unknown };

struct ApplyOutcome {
  Applied applied = Applied::unknown;
  std::vector<std::string> change_ids{};  // the API's; change_live() asks for them
};

}  // namespace mxferry
