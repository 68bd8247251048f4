// SPDX-License-Identifier: Apache-2.0
// The one place through which bytes from outside reach a terminal, a log, HTML or CSV. Pure, any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace mxferry {

/// One printable line of valid UTF-8: C0, C1, DEL, bidirectional controls, line separators and
/// invalid bytes become \xNN (bytes) or \u{N} (code points). A backslash stays as it is: this is
/// for reading, not for decoding.
std::string escape_line(std::string_view bytes);

/// Text for an HTML body or attribute: escape_line, then & < > " '.
std::string escape_html(std::string_view bytes);

/// One CSV cell (RFC 4180), quoted where needed; a cell that a spreadsheet would run (= + - @ tab
/// CR) gets a leading '.
std::string escape_csv(std::string_view bytes);

/// True if `bytes` is well-formed UTF-8 (RFC 3629: no surrogates, no overlongs, at most U+10FFFF).
bool is_utf8(std::string_view bytes);

/// Decodes one code point at `at` and moves `at` behind it; returns -1 and moves by one where the
/// bytes are invalid.
int decode_utf8(std::string_view bytes, std::size_t& at);

/// Lower-case hexadecimal, for digests and ids.
std::string hex(std::string_view bytes);

/// A reversible spelling of arbitrary bytes as valid UTF-8 for JSON and the store's text columns:
/// printable text without a backslash stays, `\` becomes `\\`, each byte of anything else (what
/// escape_line escapes) becomes \xNN.
/// unescape_bytes() gives the bytes back.
std::string escape_bytes(std::string_view bytes);
/// The inverse; a malformed escape is kept as it stands.
std::string unescape_bytes(std::string_view text);

}  // namespace mxferry
