// SPDX-License-Identifier: Apache-2.0
// `mxferry debug imap-parse FILE...`: tools for those who work on mxferry or write to us about a
// server that it does not understand. They connect to nothing. Main thread.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace mxferry::app {

/// `args` behind "debug". Returns the exit code.
int debug_command(std::span<const std::string> args);
std::vector<std::string> debug_subcommands();

}  // namespace mxferry::app
