// SPDX-License-Identifier: Apache-2.0
// A file that a command was asked for, mode 0600, on disk with its name when the call returns. Any
// thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace mxferry::app {

/// Replaces the file whole: a reader never sees half of it. ErrorCode::io.
Result<void> write_file(const std::filesystem::path& file, const std::string& text);

/// For what somebody may still need: ErrorCode::usage where there is such a file already.
/// ErrorCode::io otherwise; then no part of it stays.
Result<void> write_new_file(const std::filesystem::path& file, const std::string& text);

/// What stands in the file behind its first `offset` octets goes, `text` comes there; the file is
/// made where there is none. Durable when it returns. ErrorCode::io: part of `text` may stand.
Result<void> write_behind(const std::filesystem::path& file, std::uintmax_t offset,
                          const std::string& text);

}  // namespace mxferry::app
