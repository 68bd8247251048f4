// SPDX-License-Identifier: Apache-2.0
// DNS messages as this plugin needs them: a query, an UPDATE with prerequisites (RFC 2136 §2), and
// the records of an answer as RRsets. Presentation to wire and back is ldns's. Pure.
#pragma once

#include <cstdint>
#include <mxferry/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rfc2136 {

namespace sdk = mxferry::sdk;

/// Wire form of an absolute name; empty if it is none.
std::string name_to_wire(const std::string& name);

inline constexpr std::uint16_t kTypeSoa = 6;
inline constexpr std::uint16_t kTypeNs = 2;
inline constexpr std::uint16_t kTypeAxfr = 252;

sdk::Result<std::string> query(std::uint16_t id, const std::string& name, std::uint16_t type);

/// One UPDATE for all changes. `before` becomes the prerequisite "RRset exists (value dependent)",
/// no `before` "RRset does not exist".
sdk::Result<std::string> update(std::uint16_t id, const std::string& zone,
                                const std::vector<sdk::Change>& changes);

struct Answer {
  unsigned rcode = 0;
  bool authoritative = false;
  std::vector<sdk::RRset> records;  // one record each, in order: name, type, ttl, rdata
};
/// The answer section.
sdk::Result<Answer> parse_answer(std::string_view message);

/// Records of one name and type together; what the server itself maintains (signatures, denial of
/// existence) is left out. Where the TTLs of a set differ, the smallest.
std::vector<sdk::RRset> grouped(const std::vector<sdk::RRset>& records);

std::string rcode_name(unsigned rcode);

}  // namespace rfc2136
