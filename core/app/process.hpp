// SPDX-License-Identifier: Apache-2.0
// What the process as a whole is before a command runs: nobody else reads its memory, no variable
// of the environment leads its traffic or its keys elsewhere, signals end it in the documented way.
// Main thread, before any other thread exists.
#pragma once

namespace mxferry::app {

/// Once, first thing in main(): descriptors 0-2 are open, no core and no ptrace by others (not in
/// sanitizer builds, not under a debugger), SSLKEYLOGFILE and the proxy variables are gone, SIGHUP
/// and SIGPIPE are ignored, SIGINT and SIGTERM end with exit 5, an escaped exception with exit 70.
void prepare_process();

/// The last thing in main(): the code, or exit 5 where stdout is a file that could not be written.
int finish_output(int code);

}  // namespace mxferry::app
