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
/// The "/24//64" of a term; empty where it has none.
std::string format_prefixes(const SpfTerm& term);
/// The ip4 or ip6 term for one address that an `a` or `mx` term means: with its qualifier and its
/// prefix length of that family.
SpfTerm fixed_term(const SpfTerm& term, const std::string& address);
/// Does the term cost a lookup (include a mx ptr exists; RFC 7208 §4.6.4)?
bool needs_lookup(const SpfTerm& term);

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
