// SPDX-License-Identifier: Apache-2.0
// One logical response line to a Response. The line has no CRLF, and each literal in it is one NUL
// byte (NUL itself is not allowed in a line), whose content stands in `literals` in order.
//
//   response  = "+" SP text / "*" SP data / tag SP status          RFC 9051 §9; extensions as met
//   in the field data      = status / CAPABILITY.. / LIST.. / n EXISTS / n FETCH (..) ..
//
// Numbers that do not fit are errors with their offset, never a wrap. Pure, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "protocol/imap/response.hpp"

namespace mxferry::imap {

struct LiteralValue {
  bool streamed = false;  // the bytes went by; content is empty
  std::uint64_t size = 0;
  std::string content{};
  std::uint64_t on_wire = 1;  // octets from its announcement to its end, for offsets
};

/// Parses a whole line. `base` is the line's offset in the connection, for error texts; `error_at`
/// gets the offset of an error.
Result<Response> parse_response(std::string_view line, std::span<const LiteralValue> literals,
                                std::uint64_t base = 0, std::uint64_t* error_at = nullptr);

/// What is known of a FETCH answer whose line breaks off at a body's literal: `* 3 FETCH (UID 7
/// BODY[] `, and where its reading goes on.
struct PartialFetch {
  FetchData so_far;
  BodyItem body;  // the section that the literal belongs to
  std::size_t at = 0;
  std::size_t literals = 0;  // before `at`
  int open = 0;              // lists at `at`
};
/// Nothing if the line is no such thing: then the literal is no body.
std::optional<PartialFetch> parse_partial_fetch(std::string_view line,
                                                std::span<const LiteralValue> literals);
/// The same for a longer part of a line that has broken off before.
std::optional<PartialFetch> parse_next_partial_fetch(PartialFetch begun, std::string_view line,
                                                     std::span<const LiteralValue> literals);
/// parse_response() of the whole of such a line, without reading again what was read.
Result<Response> parse_rest_of_fetch(PartialFetch begun, std::string_view line,
                                     std::span<const LiteralValue> literals, std::uint64_t base = 0,
                                     std::uint64_t* error_at = nullptr);

/// True if a `{n}` at the end of this line announces a literal: not in the free text of a status
/// response.
bool may_hold_literal(std::string_view line);

}  // namespace mxferry::imap
