// SPDX-License-Identifier: Apache-2.0
// Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3) to UTF-8 and back, and splitting at
// whatever delimiter the server has. Names are bytes: what cannot be decoded is kept as it stands.
// Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mxferry::imap {

/// UTF-8 of a modified UTF-7 name; nothing where the text is not well-formed (bad base64, lone
/// surrogate, 8-bit).
std::optional<std::string> decode_mutf7(std::string_view wire);

/// Modified UTF-7 of a UTF-8 name. Bytes that are not UTF-8 are taken as Latin-1, so that every
/// name has a spelling.
std::string encode_mutf7(std::string_view utf8);

/// decode_mutf7, or the bytes themselves.
std::string display_name(std::string_view wire);

/// True for INBOX in any case (RFC 3501 §5.1: case-insensitive).
bool is_inbox(std::string_view name);

/// The parts of a wire name between delimiters; one part where the server has no hierarchy.
std::vector<std::string> split_path(std::string_view wire, std::optional<char> delimiter);

}  // namespace mxferry::imap
