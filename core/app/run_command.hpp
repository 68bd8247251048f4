// SPDX-License-Identifier: Apache-2.0
// mxferry run, rollback: a migration from its plan file. Main thread.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

int run_command(std::span<const std::string> args);
int rollback_command(std::span<const std::string> args);

}  // namespace mxferry::app
