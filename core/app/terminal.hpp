// SPDX-License-Identifier: Apache-2.0
// What a run tells as it happens: lines of words on stderr, a live progress line only on a
// terminal, or NDJSON on stdout with --json. Main thread.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

#include "pipeline/env.hpp"

namespace mxferry::app {

/// A progress line that is drawn over and over: messages/s, MB/s, what is left. Draws nothing when
/// stderr is no terminal.
class ProgressLine {
 public:
  ProgressLine();
  void update(const copy::Progress& progress);
  /// Any one line of words.
  void say(const std::string& text);
  /// Takes the line away, so that words can be printed.
  void clear();

 private:
  struct Account {
    std::uint64_t done = 0, total = 0, bytes = 0;
  };
  bool terminal_ = false;
  bool drawn_ = false;
  std::map<std::string, Account> accounts_;
  std::deque<
      std::pair<std::chrono::steady_clock::time_point, std::pair<std::uint64_t, std::uint64_t>>>
      samples_;
  std::chrono::steady_clock::time_point last_{};
};

class TerminalWatcher final : public pipeline::RunWatcher {
 public:
  explicit TerminalWatcher(bool json, const Clock& clock) : json_(json), clock_(clock) {}
  void step(const Step& step, StepStatus status, const std::string& why) override;
  void progress(const copy::Progress& progress) override;
  void note(const std::string& text) override;
  void finish() { line_.clear(); }

 private:
  bool json_;
  const Clock& clock_;
  ProgressLine line_;
  std::map<std::string, std::string>
      said_;  // the last words of each step: a waiting step does not repeat itself
};

}  // namespace mxferry::app
