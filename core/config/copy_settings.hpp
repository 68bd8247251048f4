// SPDX-License-Identifier: Apache-2.0
// The section [copy] of plan.toml, and the tables of limits.
#pragma once

#include "config/plan_file.hpp"
#include "config/section.hpp"

namespace mxferry::config {

void read_copy(Section section, CopySettings& copy);
/// max_rate, max_messages_rate, daily_budget.
void read_limits(Section section, PaceLimits& limits);

}  // namespace mxferry::config
