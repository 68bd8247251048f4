// SPDX-License-Identifier: Apache-2.0
// `mxferry explain [ID]`: what a finding means and what to do; without an id, all of them in one
// line each. Main thread.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// `args` behind "explain". Returns the exit code; an unknown id is exit 2.
int explain_command(std::span<const std::string> args);

}  // namespace mxferry::app
