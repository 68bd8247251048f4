// SPDX-License-Identifier: Apache-2.0
// LabServer: a real server of examples/lab/servers/NAME.sh for the life of a test, in a folder of
// its own. Where its packages cannot be had, available() is false and the test skips with
// problem().
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"

namespace mxferry::test {

class LabServer {
 public:
  /// `options` as the script's header says: "address=127.77.61.1", "port=5300", …
  LabServer(std::string name, const std::vector<std::string>& options);
  ~LabServer();
  LabServer(const LabServer&) = delete;
  LabServer& operator=(const LabServer&) = delete;

  bool available() const { return available_; }  // unpacked and started
  bool broken() const { return broken_; }        // unpacked, but it did not start: a failure
  const std::string& problem() const { return problem_; }
  std::filesystem::path dir() const { return dir_ / "server"; }
  /// A file below dir(), without a final newline (api.key, tsig.secret, log).
  std::string file(const std::string& relative) const;
  /// Runs the script with `words` behind the command: run("zone", {file, name}) is
  /// `NAME.sh zone DIR file name`. The output is in `output`.
  bool run(const std::string& command, const std::vector<std::string>& words,
           std::string* output = nullptr) const;

 private:
  std::string name_;
  TempDir dir_;
  bool available_ = false;
  bool broken_ = false;
  std::string problem_;
};

/// A TCP port of that loopback address that nobody listens on, as text for an option.
std::string free_port(const std::string& address);

/// Runs a shell command; true on exit 0. stdout and stderr go to `output`.
bool run_shell(const std::string& command, std::string* output = nullptr);

}  // namespace mxferry::test

/// In a test body: skips where the packages cannot be had, fails where the server does not start.
#define MXF_NEED_SERVER(server)                        \
  if ((server).broken()) FAIL() << (server).problem(); \
  if (!(server).available()) GTEST_SKIP() << (server).problem()
