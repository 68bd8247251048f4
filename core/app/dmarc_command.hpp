// SPDX-License-Identifier: Apache-2.0
// `mxferry dmarc check`: what DMARC makes of a message whose SPF and DKIM results are known.
// Main thread.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace mxferry::app {

/// `args` behind "dmarc". Returns the exit code.
int dmarc_command(std::span<const std::string> args);
std::vector<std::string> dmarc_subcommands();

}  // namespace mxferry::app
