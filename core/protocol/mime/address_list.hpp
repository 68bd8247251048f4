// SPDX-License-Identifier: Apache-2.0
// The addresses in a header field, as people and programs write them (RFC 5322 §3.4, with the
// obsolete forms of §4.4):
//
//   address-list = address *("," address)
//   address      = mailbox / group          group   = phrase ":" [mailbox-list] ";"
//   mailbox      = addr-spec / [phrase] "<" [route ":"] addr-spec ">"
//   addr-spec    = local "@" domain         local   = word *("." word), word = atom / quoted-string
//
// Comments nest and may stand anywhere; encoded words (RFC 2047) are parts of phrases and no
// addresses. What cannot be read as an address is passed over: this is for counting, not for
// judging. Bounded by the input's length and by `most`. Pure, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mxferry::mime {

struct Address {
  std::string local;   // unquoted; any bytes but controls
  std::string domain;  // ASCII in lower case, without a final dot; "[…]" for a literal
  bool operator==(const Address&) const = default;
};

inline constexpr std::size_t kMostAddresses = 10'000;

/// The addresses of a field's value, folded or not, in their order. Local parts above 64 octets and
/// domains above 255 (RFC 5321 §4.5.3.1) are no addresses.
std::vector<Address> parse_addresses(std::string_view value, std::size_t most = kMostAddresses);

}  // namespace mxferry::mime
