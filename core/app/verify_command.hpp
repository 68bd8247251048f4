// SPDX-License-Identifier: Apache-2.0
// mxferry verify: compares source and destination of a sync by digest, date and flags. Main thread
// only.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// 0 all equal, 1 something differs; else as sync. With --sample: a spot check for a person's eyes.
int verify_command(std::span<const std::string> args);

}  // namespace mxferry::app
