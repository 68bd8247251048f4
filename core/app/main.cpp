// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "app/cli.hpp"
#include "app/process.hpp"

int main(int argc, char** argv) {
  mxferry::app::prepare_process();
  const std::vector<std::string> args(argc > 0 ? argv + 1 : argv, argv + argc);
  return mxferry::app::finish_output(mxferry::app::run(args));
}
