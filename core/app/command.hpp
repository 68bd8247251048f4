// SPDX-License-Identifier: Apache-2.0
// What every command shares: exit codes, an error printed for people (or as JSON), the table of
// commands.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry::app {

/// Exit codes, documented in docs/operate/exit-codes.md: what a script may rely on.
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

inline int code(Exit exit) { return static_cast<int>(exit); }

/// The exit code that an error ends a command with.
Exit exit_for(ErrorCode code);

/// Prints the error to stderr: one line of what, one of the remedy if there is one. Returns
/// exit_for(error.code).
int report_error(const Error& error);

struct Command {
  std::string_view name;                          // may hold a space: "dns records"
  std::string_view summary;                       // one line for `mxferry --help`
  int (*run)(std::span<const std::string> args);  // args behind the name
  std::vector<std::string> (*subcommands)() = nullptr;  // their names, in the order of the help
};

/// All commands in the order of the help (core/app/commands.cpp).
std::span<const Command> commands();

}  // namespace mxferry::app
