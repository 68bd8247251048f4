// SPDX-License-Identifier: Apache-2.0
// The man page and the shells' completions, made from the command table and the option tables, so
// that they cannot say something else than --help. Main thread.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// docs/man/mxferry.1, in roff (man(7)): `mxferry help --man`.
std::string man_page();

/// `mxferry completion bash|zsh|fish`. Returns the exit code.
int completion_command(std::span<const std::string> args);

}  // namespace mxferry::app
