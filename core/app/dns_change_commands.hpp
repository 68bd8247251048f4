// SPDX-License-Identifier: Apache-2.0
// `mxferry dns plan | apply | snapshot | restore`: changes of one zone without a migration: shown
// as a diff, confirmed by a person or --yes, written with before-images, read back until nothing is
// left to do. Main thread.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// `args` behind the subcommand. Each returns the exit code.
int dns_plan(std::span<const std::string> args);
int dns_apply(std::span<const std::string> args);
int dns_snapshot(std::span<const std::string> args);
int dns_restore(std::span<const std::string> args);

}  // namespace mxferry::app
