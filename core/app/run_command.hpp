// SPDX-License-Identifier: Apache-2.0
// mxferry run, rollback: a migration from its plan file. Main thread.
#pragma once

#include <span>
#include <string>

#include "app/command.hpp"
#include "pipeline/runner.hpp"

namespace mxferry::app {

/// The exit code that a run's end is told with; `warnings`: there are findings that nobody accepted.
Exit exit_of_run(const pipeline::RunEnd& end, bool warnings);

int run_command(std::span<const std::string> args);
int rollback_command(std::span<const std::string> args);

}  // namespace mxferry::app
