// SPDX-License-Identifier: Apache-2.0
// CommandRun: the mxferry binary as a child process, with its environment, output and exit code; it
// can be killed while it runs. For integration tests.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace mxferry::test {

class CommandRun {
 public:
  /// Starts `mxferry args...` with only `environment` (and PATH).
  CommandRun(const std::vector<std::string>& args,
             const std::map<std::string, std::string>& environment);
  ~CommandRun();
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  /// Waits for its end; the exit code, or 128 + signal.
  int wait();
  void kill(int signal);
  bool running();
  const std::string& out();  // after wait()
  const std::string& err();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int code_ = -1;
  bool ended_ = false;
  std::string out_file_, err_file_;
  std::string out_, err_;
};

}  // namespace mxferry::test
