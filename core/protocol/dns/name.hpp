// SPDX-License-Identifier: Apache-2.0
// Domain names in presentation form (RFC 1035 §5.1): inside mxferry always absolute, lower case,
// with the final dot, so that equality is string equality; compared by label, never by suffix of
// characters. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mxferry::dns {

/// The canonical spelling of a name typed by a person or an API: lower case, final dot.
/// ErrorCode::config where a label is empty, longer than 63 octets, or the name longer than 255 on
/// the wire (RFC 1035 §2.3.4).
Result<std::string> canonical_name(std::string_view text);

/// True if `name` is `zone` or lies below it. Both canonical.
bool is_within(std::string_view name, std::string_view zone);

/// The name without its first label; "." of a top-level name and of ".".
std::string parent_of(std::string_view name);

/// Wire form (RFC 1035 §3.1) of a canonical name, uncompressed; \DDD and \X escapes are honoured.
std::string name_to_wire(std::string_view name);

/// Reads a name at `at`, following compression pointers (§4.1.4), and moves `at` behind it. Nothing
/// where it runs out of the message, loops, or exceeds 255 octets. The result is canonical; odd
/// octets are escaped.
std::optional<std::string> name_from_wire(std::string_view message, std::size_t& at);

}  // namespace mxferry::dns
