// SPDX-License-Identifier: Apache-2.0
// plugins.lock: which plugin libraries may be loaded, by digest; and whether a folder of plugins
// can be trusted at all. One line per library, `sha256  ID/ID.so`, relative to the folder that
// holds the file. Build and install write it, `mxferry plugins trust` adds to it. Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/error.hpp"

namespace mxferry::plugin {

/// "ID/ID.so" -> 64 hex digits. A missing file is an empty lock; a malformed line is an error.
Result<std::map<std::string, std::string>> read_plugins_lock(const std::filesystem::path& folder);

/// Adds or replaces the line of `library` (FOLDER/ID/ID.so) in FOLDER/plugins.lock and returns the
/// digest. Written beside it and renamed.
Result<std::string> trust_library(const std::filesystem::path& library);

/// An error (gate) with the command that mends it if anyone but root and this user may write the
/// path, or a folder above it.
Result<void> check_not_writable_by_others(const std::filesystem::path& path);

}  // namespace mxferry::plugin
