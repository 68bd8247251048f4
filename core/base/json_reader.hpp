// SPDX-License-Identifier: Apache-2.0
// The one checked way to read JSON: nlohmann alone keeps the last of duplicate keys, narrows
// numbers silently and recurses without bound. Pure, any thread. nlohmann appears in .cpp files
// only; headers use json_fwd.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry {

using Json = nlohmann::json;

inline constexpr int kJsonDepth = 64;

/// Parses one document. `where` (a file or an endpoint) stands in the error with the byte offset. A
/// duplicate key, depth beyond kJsonDepth, invalid UTF-8 or trailing text is an error
/// (ErrorCode::protocol).
Result<Json> parse_json(std::string_view text, std::string_view where);

/// Canonical form for hashes: keys sorted, no white space, integers only as such (RFC 8785 for the
/// subset that we write).
std::string canonical_json(const Json& value);

/// Checked access. `where` names the document; `key` must exist with that very type, and a number
/// must fit.
Result<std::string> json_string(const Json& object, std::string_view key, std::string_view where);
Result<std::int64_t> json_int(const Json& object, std::string_view key, std::string_view where);
Result<bool> json_bool(const Json& object, std::string_view key, std::string_view where);
Result<std::vector<std::string>> json_strings(const Json& object, std::string_view key,
                                              std::string_view where);
/// The same where the key may be absent (or null): the fallback is returned then. A wrong type is
/// still an error.
Result<std::string> json_string_or(const Json& object, std::string_view key, std::string fallback,
                                   std::string_view where);
Result<std::int64_t> json_int_or(const Json& object, std::string_view key, std::int64_t fallback,
                                 std::string_view where);
Result<bool> json_bool_or(const Json& object, std::string_view key, bool fallback,
                          std::string_view where);

}  // namespace mxferry
