// SPDX-License-Identifier: Apache-2.0
// compose(): one message of ours (a notice, an alert) as RFC 5322 text with CRLF lines: text and
// HTML as multipart/alternative (RFC 2046 §5.1.4), both quoted-printable (RFC 2045 §6.7), header
// words beyond ASCII as RFC 2047. The same input gives the same octets. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace mxferry::mime {

struct Letter {
  std::string from;        // address
  std::string to_name{};   // a group's name: nobody's address stands in the header (RFC 5322 §3.4)
  std::string subject{};   // UTF-8
  std::string message_id;  // without angle brackets
  Instant date{};
  std::string text{};                                         // UTF-8, lines end in LF
  std::string html{};                                         // empty: text alone
  std::vector<std::pair<std::string, std::string>> fields{};  // more of the header, ASCII
};

/// Control characters in header values are escaped: no value makes a line of its own.
std::string compose(const Letter& letter);

/// `name: value`, encoded and folded, with its CRLF.
std::string header_line(std::string_view name, std::string_view value);
std::string quoted_printable(std::string_view text);
/// Tue, 24 Nov 2026 10:17:30 +0000 (RFC 5322 §3.3).
std::string date_text(Instant t);

}  // namespace mxferry::mime
