// SPDX-License-Identifier: Apache-2.0
// Record data in presentation form (RFC 1035 §5, RFC 3597 for unknown types) and its canonical
// spelling, so that two records are the same if their canonical rdata are the same string. Pure,
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry::dns {

/// The type's number for a mnemonic ("MX", "TYPE65280"); nothing where unknown.
std::optional<std::uint16_t> type_number(std::string_view mnemonic);
std::string type_name(std::uint16_t type);

/// Canonical rdata: names lower case and absolute, numbers without leading zeros, TXT as its
/// character-strings in quotes. A relative name in rdata is an error: the callers' rdata is always
/// absolute.
Result<std::string> canonical_rdata(std::string_view type, std::string_view rdata);

/// The text of a TXT rdata: its strings joined without a blank (RFC 7208 §3.3, RFC 6376 §3.6.2.2).
Result<std::string> txt_text(std::string_view rdata);
/// TXT rdata for a text: quoted character-strings of at most 255 octets.
std::string txt_rdata(std::string_view text);

/// Reads rdata from the wire: `message` for compressed names, `at`..`at+length` the data. Nothing
/// where it is malformed.
std::optional<std::string> rdata_from_wire(std::uint16_t type, std::string_view message,
                                           std::size_t at, std::size_t length);

struct Mx {
  std::uint16_t preference = 0;
  std::string exchange;  // canonical
};
Result<Mx> parse_mx(std::string_view rdata);

}  // namespace mxferry::dns
