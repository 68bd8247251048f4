// SPDX-License-Identifier: Apache-2.0
// A file that a command was asked for. Any thread.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace mxferry::app {

/// Replaces the file whole, mode 0600: a reader never sees half of it. ErrorCode::io.
Result<void> write_file(const std::filesystem::path& file, const std::string& text);

}  // namespace mxferry::app
