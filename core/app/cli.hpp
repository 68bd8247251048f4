// SPDX-License-Identifier: Apache-2.0
// The command line: finds the command, reads its options, runs it. main() calls run() and does
// nothing else.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// Exit codes (docs/operate/exit-codes): what a script may rely on.
enum class Exit : int {
  done = 0,
  findings = 1,
  usage = 2,
  auth = 3,
  server = 4,
  interrupted = 5,
  refused = 6,
  waiting = 7,
  person = 8,
  fault = 70,
};

/// Runs the command in `args` (without the program's name). Main thread only; returns the exit
/// code.
int run(std::span<const std::string> args);

}  // namespace mxferry::app
