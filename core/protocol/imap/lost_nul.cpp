// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/lost_nul.hpp"

#include <algorithm>
#include <cstddef>

namespace mxferry::imap {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// How many octets the character has that begins with `lead` (RFC 3629 §3); 0: none does.
std::size_t length_of(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// Is the 0x80 at `at` part of a character?
bool inside_character(std::string_view text, std::size_t at) {
  for (std::size_t back = 1; back <= 3 && back <= at; ++back) {
    const auto lead = static_cast<unsigned char>(text[at - back]);
    if (continues(text[at - back])) continue;
    const auto length = length_of(lead);
    if (length <= back || at - back + length > text.size()) return false;
    // C2 80 is a control that no mail has; E0 80 and F0 80 would be overlong.
    if (back == 1 && (lead == 0xC2 || lead == 0xE0 || lead == 0xF0)) return false;
    const auto rest = text.substr(at - back + 1, length - 1);
    return std::all_of(rest.begin(), rest.end(), continues);
  }
  return false;
}

}  // namespace

bool may_have_lost_nul(std::string_view body) {
  for (auto at = body.find('\x80'); at != body.npos; at = body.find('\x80', at + 1))
    if (!inside_character(body, at)) return true;
  return false;
}

NulLoss compare_with_binary(std::string_view body, std::string_view binary) {
  const auto is_lost = [](char a, char b) { return a == '\x80' && b == '\0'; };
  const auto common = std::min(body.size(), binary.size());
  const auto first = std::mismatch(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(common),
                                   binary.begin());
  if (first.first == body.begin() + static_cast<std::ptrdiff_t>(common)) return NulLoss::none;
  if (!is_lost(*first.first, *first.second)) return NulLoss::none;
  const bool same = std::equal(body.begin(), body.end(), binary.begin(), binary.end(),
                               [&](char a, char b) { return a == b || is_lost(a, b); });
  return same ? NulLoss::restored : NulLoss::lost;
}

}  // namespace mxferry::imap
