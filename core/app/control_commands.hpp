// SPDX-License-Identifier: Apache-2.0
// mxferry status, pause, resume, approve, report: talking to a migration through its state file,
// also while a run holds it. Main thread.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

int status_command(std::span<const std::string> args);
int pause_command(std::span<const std::string> args);
int resume_command(std::span<const std::string> args);
int approve_command(std::span<const std::string> args);
int report_command(std::span<const std::string> args);

}  // namespace mxferry::app
