// SPDX-License-Identifier: Apache-2.0
// mxferry backup: one mailbox into Maildirs with manifests on this machine; again, what is new.
// With --check it reads a backup and compares it with its manifests. Main thread only.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// As sync_command; --check gives 0 where every file is as its manifest says, else 1.
int backup_command(std::span<const std::string> args);

}  // namespace mxferry::app
