// SPDX-License-Identifier: Apache-2.0
// The table of commands: adding one is a line here.
#include <array>

#include "app/command.hpp"
#include "app/sync_command.hpp"
#include "app/verify_command.hpp"

namespace mxferry::app {

// int sync_command(std::span<const std::string> args) and its like live in app/NAME_command.hpp.
std::span<const Command> commands() {
  static const std::array table{
      Command{"sync", "copy one mailbox; again: what is new", sync_command},
      Command{"verify", "compare a copied mailbox by digest, date and flags", verify_command},
  };
  return table;
}

}  // namespace mxferry::app
