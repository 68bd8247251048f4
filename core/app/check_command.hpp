// SPDX-License-Identifier: Apache-2.0
// mxferry check, plan: what stands in the way of a migration, and what it would do. Main thread.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

int check_command(std::span<const std::string> args);
int plan_command(std::span<const std::string> args);

}  // namespace mxferry::app
