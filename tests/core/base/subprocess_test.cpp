// SPDX-License-Identifier: Apache-2.0
#include "base/subprocess.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace mxferry {
namespace {

using namespace std::chrono_literals;

Result<SubprocessResult> shell(const std::string& script, std::string_view input = {},
                               SubprocessOptions options = {}, std::stop_token stop = {}) {
  return run_program({"/bin/sh", "-c", script}, input, options, std::move(stop));
}

TEST(Subprocess, GivesInputAndTakesBothStreamsAndTheExitCode) {
  const auto done = shell("cat; echo words >&2; exit 7", "in\n");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->exit_code, 7);
  EXPECT_EQ(done->output, "in\n");
  EXPECT_EQ(done->errors, "words\n");
}

TEST(Subprocess, ArgumentsAreNotInterpreted) {
  const auto done = run_program({"/usr/bin/printf", "%s|", "a b", "$HOME;`id`"}, {}, {}, {});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->output, "a b|$HOME;`id`|");
}

TEST(Subprocess, TheEnvironmentIsEmptyUnlessNamed) {
  ::setenv("MXF_TEST_MARK", "leaks", 1);
  const auto bare = run_program({"/usr/bin/env"}, {}, {}, {});
  ASSERT_TRUE(bare) << bare.error().message();
  EXPECT_EQ(bare->output, "");
  SubprocessOptions options;
  options.environment = {"A=1"};
  const auto named = run_program({"/usr/bin/env"}, {}, options, {});
  ASSERT_TRUE(named) << named.error().message();
  EXPECT_EQ(named->output, "A=1\n");
  ::unsetenv("MXF_TEST_MARK");
}

TEST(Subprocess, NoOtherFileIsOpenInIt) {
  const auto done = run_program({"/bin/ls", "/proc/self/fd"}, {}, {}, {});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->output, "0\n1\n2\n3\n");  // 3: the folder that ls itself reads
}

TEST(Subprocess, ALargeExchangeDoesNotBlock) {
  const std::string large(3'000'000, 'x');
  const auto done = shell("cat", large);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->output, large);
}

TEST(Subprocess, AProgramThatDoesNotReadIsNoError) {
  const auto done = shell("exec <&-; echo done", std::string(1'000'000, 'x'));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->output, "done\n");
}

TEST(Subprocess, OverTheLimitTheWholeGroupIsKilled) {
  SubprocessOptions options;
  options.limit = 200ms;
  // The inner sleep holds the streams open; its end shows by their end.
  const auto done = shell("sleep 1000 & echo $!; wait", {}, options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::timeout);
}

TEST(Subprocess, WhatItLeavesInTheBackgroundDoesNotHoldUs) {
  const auto done = shell("sleep 1000 & echo $!");
  ASSERT_TRUE(done) << done.error().message();
  const auto child = static_cast<pid_t>(std::stol(done->output));
  // Killed with its group; a zombie until init or the subreaper takes it.
  bool gone = false;
  for (int i = 0; i < 1000 && !gone; ++i) {
    std::string state;
    if (FILE* f = std::fopen(("/proc/" + std::to_string(child) + "/stat").c_str(), "r")) {
      char line[256] = {};
      if (std::fgets(line, sizeof line, f) != nullptr) state = line;
      std::fclose(f);
    }
    gone = state.empty() || state.find(") Z") != std::string::npos;
    if (!gone) std::this_thread::sleep_for(5ms);
  }
  EXPECT_TRUE(gone);
}

TEST(Subprocess, AStopKillsIt) {
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  const auto done = shell("sleep 1000", {}, {}, source.get_token());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::cancelled);
}

TEST(Subprocess, ASignalAndAMissingProgramAreTold) {
  const auto killed = shell("kill -TERM $$");
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->exit_code, 128 + SIGTERM);
  const auto missing = run_program({"/nowhere/program"}, {}, {}, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::io);
  const auto relative = run_program({"ls"}, {}, {}, {});
  ASSERT_FALSE(relative);
  EXPECT_EQ(relative.error().code, ErrorCode::usage);
}

TEST(Subprocess, TooMuchOutputEndsIt) {
  SubprocessOptions options;
  options.output_bytes = 1000;
  const auto done = shell("yes", {}, options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::refused);
}

}  // namespace
}  // namespace mxferry
