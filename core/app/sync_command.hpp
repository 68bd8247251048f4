// SPDX-License-Identifier: Apache-2.0
// mxferry sync: copies one mailbox from one IMAP account to another; run again, it copies what is
// new. Main thread only.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// Exit codes of design: 0 each message is at the destination, 1 some were refused, 3 credentials,
/// 4 server, 5 stopped, 6 a safety rule.
int sync_command(std::span<const std::string> args);

struct PairOptions;
/// Runs the copy that the options describe and prints what it did; the same exit codes.
int copy_and_tell(const PairOptions& options);

}  // namespace mxferry::app
