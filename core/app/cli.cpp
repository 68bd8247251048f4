// SPDX-License-Identifier: Apache-2.0
#include "app/cli.hpp"

#include <iostream>

namespace mxferry::app {

int run(std::span<const std::string> args) {
  if (!args.empty() && (args[0] == "--version" || args[0] == "version")) {
    std::cout << "mxferry " << MXFERRY_VERSION << '\n';
    return static_cast<int>(Exit::done);
  }
  std::cerr << "usage: mxferry COMMAND [OPTIONS]; mxferry --version\n";
  return static_cast<int>(Exit::usage);
}

}  // namespace mxferry::app
