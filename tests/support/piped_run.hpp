// SPDX-License-Identifier: Apache-2.0
// PipedRun: the mxferry binary as a child whose output is read while it runs, from a pipe or as the
// terminal that it runs on; the reader can go away under it. Waiting is for something that comes
// (bytes, the end), never for a while. For integration tests, one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mxferry::test {

class PipedRun {
 public:
  enum class On { pipe, terminal };
  /// stdin is /dev/null (or the terminal); stdout and stderr come together. SIGHUP and SIGPIPE have
  /// their default actions, as under a shell.
  PipedRun(const std::vector<std::string>& args,
           const std::map<std::string, std::string>& environment, On on = On::pipe);
  ~PipedRun();
  PipedRun(const PipedRun&) = delete;
  PipedRun& operator=(const PipedRun&) = delete;

  /// Reads until the output holds `text` behind what the last call found; false at the end of the
  /// output or after `limit`.
  bool read_until(const std::string& text,
                  std::chrono::milliseconds limit = std::chrono::seconds(60));
  /// The reader goes: EPIPE for a pipe, a hang-up for a terminal.
  void close_output();
  void kill(int signal) const;
  /// The exit code, or 128 + signal; nothing if it still runs after `limit`. Drains the output.
  std::optional<int> wait(std::chrono::milliseconds limit);
  bool running();
  const std::string& output() const { return output_; }
  pid_t pid() const { return pid_; }

 private:
  // Reads what there is; false at the end or at the deadline.
  bool read_some(std::chrono::steady_clock::time_point until);
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int out_ = -1;
  std::optional<int> code_;
  std::string output_;
  std::size_t found_ = 0;
};

}  // namespace mxferry::test
