// SPDX-License-Identifier: Apache-2.0
// The command line: finds the command in the table and runs it. main() calls run() and does nothing
// else.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// Runs the command in `args` (without the program's name). Main thread only; returns the exit
/// code.
int run(std::span<const std::string> args);

}  // namespace mxferry::app
