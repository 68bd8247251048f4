// SPDX-License-Identifier: Apache-2.0
// SPF records (RFC 7208) as values: parse, count what they cost, and the overlap of an old and a
// new one. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry::dns {

struct SpfTerm {
  char qualifier = '+';   // + - ~ ?
  std::string mechanism;  // lower case: include a mx ptr ip4 ip6 exists
  std::string value{};    // the domain-spec or address behind ':'; empty: the record's own domain
  std::optional<int> prefix4{};  // "/24" of ip4, a and mx
  std::optional<int> prefix6{};  // "/64" of ip6, "//64" of a and mx
  bool operator==(const SpfTerm&) const = default;
};

struct SpfRecord {
  std::vector<SpfTerm> terms;        // without `all`, and what follows it, which is never reached
  std::optional<char> all;           // its qualifier
  std::string redirect{};            // a domain-spec; empty: none
  std::string exp{};                 // a domain-spec; empty: none
  std::vector<std::string> other{};  // unknown modifiers, as they stand
};

/// True if the text of a TXT record is an SPF record (RFC 7208 §4.5: "v=spf1" and then a blank or
/// the end; any case).
bool is_spf(std::string_view text);
/// The record by the grammar of RFC 7208 §12, all of it: ErrorCode::config on any syntax error
/// wherever it stands, which to a receiver is permerror (§4.6).
Result<SpfRecord> parse_spf(std::string_view text);
std::string format_spf(const SpfRecord& record);
/// A term as it is written: "~a:mail.example.com/24//64".
std::string format_spf(const SpfTerm& term);
/// Does the term cost a lookup (include a mx ptr exists; RFC 7208 §4.6.4)?
bool needs_lookup(const SpfTerm& term);

}  // namespace mxferry::dns
