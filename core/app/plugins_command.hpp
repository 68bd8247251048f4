// SPDX-License-Identifier: Apache-2.0
// `mxferry plugins list | info ID | trust PATH | check FILE`. list and info open plugin.json files
// only; check runs the plugin in a process of its own. Main thread.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace mxferry::app {

/// `args` behind "plugins". Returns the exit code.
int plugins_command(std::span<const std::string> args);
std::vector<std::string> plugins_subcommands();

/// The folders that plugins are looked for in: the installation's, then `more`.
std::vector<std::filesystem::path> plugin_folders(const std::vector<std::string>& more);

}  // namespace mxferry::app
