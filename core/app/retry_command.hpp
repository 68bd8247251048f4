// SPDX-License-Identifier: Apache-2.0
// mxferry retry: tries again what a sync recorded as refused. Main thread only.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// 0 nothing that was asked for is refused any more, 1 something is; else as sync.
int retry_command(std::span<const std::string> args);

}  // namespace mxferry::app
