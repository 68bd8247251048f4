// SPDX-License-Identifier: Apache-2.0
// A file that a command was asked for, mode 0600, on disk with its name when the call returns. Any
// thread.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace mxferry::app {

/// Replaces the file whole: a reader never sees half of it. ErrorCode::io.
Result<void> write_file(const std::filesystem::path& file, const std::string& text);

/// For what somebody may still need: ErrorCode::usage where there is such a file already.
/// ErrorCode::io otherwise; then no part of it stays.
Result<void> write_new_file(const std::filesystem::path& file, const std::string& text);

}  // namespace mxferry::app
