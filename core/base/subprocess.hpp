// SPDX-License-Identifier: Apache-2.0
// One program, run to its end: no shell, the environment that the caller names (empty by default),
// no file descriptor but 0, 1 and 2, a process group of its own that is killed as a whole.
// Blocking; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry {

struct SubprocessOptions {
  std::vector<std::string> environment{};  // NAME=value
  std::chrono::milliseconds limit = std::chrono::seconds(30);
  std::size_t output_bytes = 16ULL << 20U;  // of each stream; more is an error
};

struct SubprocessResult {
  int exit_code = 0;  // 128 + signal where a signal ended it
  std::string output{};
  std::string errors{};
};

/// Runs argv[0], an absolute path, with `input` on its standard input. Errors: usage (argv[0] is
/// not an absolute path), io (it cannot be started), timeout (killed after `limit`), cancelled
/// (killed at `stop`), refused (it wrote more than `output_bytes`; killed).
Result<SubprocessResult> run_program(const std::vector<std::string>& argv, std::string_view input,
                                     const SubprocessOptions& options, std::stop_token stop);

}  // namespace mxferry
