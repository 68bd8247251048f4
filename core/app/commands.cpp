// SPDX-License-Identifier: Apache-2.0
// The table of commands: adding one is a line here.
#include <array>

#include "app/command.hpp"

namespace mxferry::app {

// int sync_command(std::span<const std::string> args) and its like live in app/NAME_command.hpp.
std::span<const Command> commands() {
  static const std::array<Command, 0> table{};
  return table;
}

}  // namespace mxferry::app
