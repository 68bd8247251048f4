// SPDX-License-Identifier: Apache-2.0
// mxferry undo: takes back at the destination what a sync appended there. Main thread only.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// 0 nothing of ours is left, 1 something stays and is listed (changed since, no UIDPLUS, not known
/// to be ours), 5 declined or stopped; else as sync.
int undo_command(std::span<const std::string> args);

}  // namespace mxferry::app
