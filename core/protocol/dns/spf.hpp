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
  std::string mechanism;  // lower case: all include a mx ptr ip4 ip6 exists
  std::string value{};    // what follows ':' ; of a and mx also the "/len" part
  bool operator==(const SpfTerm&) const = default;
};

struct SpfRecord {
  std::vector<SpfTerm> terms;        // without `all`
  std::optional<char> all;           // its qualifier
  std::string redirect{};            // empty: none
  std::vector<std::string> other{};  // exp= and unknown modifiers, as they stand
};

/// True if the text of a TXT record is an SPF record (RFC 7208 §4.5: "v=spf1" and then a blank or
/// the end; any case).
bool is_spf(std::string_view text);
Result<SpfRecord> parse_spf(std::string_view text);
std::string format_spf(const SpfRecord& record);

/// Terms that cost a DNS lookup in this record itself: include a mx ptr exists redirect (RFC 7208
/// §4.6.4; 10 in the whole tree).
int spf_lookup_terms(const SpfRecord& record);

/// Addresses that stand for `a` and `mx` terms of one side at the moment of planning: ip4/ip6 terms
/// with their qualifier.
struct SpfExpansion {
  std::string mechanism;  // "a" or "mx", with ":value" where it has one
  std::vector<std::string> addresses;
};

/// The record for the overlap: every term of old and new once, with its own qualifier; the old
/// record's `a` and `mx` that speak of this domain are replaced by the addresses they mean now
/// (SPF-07: after the flip they would mean the new host); a redirect becomes an include; `all` is
/// the least restrictive of both (? over ~ over -). SPF-06. The new record's own `mx` becomes
/// `a:HOST` of `new_hosts` (without final dot), since a receiver may still see the old MX; with
/// none it stays.
Result<std::string> spf_overlap(std::string_view old_record, std::string_view new_record,
                                const std::vector<SpfExpansion>& old_addresses,
                                const std::vector<std::string>& new_hosts = {});

}  // namespace mxferry::dns
