// SPDX-License-Identifier: Apache-2.0
// The variable is read once at the start of a process: each claim starts this test program again,
// with the filter on the test that passes the points.
#include "base/crash_point.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "support/temp_dir.hpp"

namespace mxferry {
namespace {

constexpr int kAllPassed = 17;

TEST(CrashPointChild, PassesPoints) {
  if (std::getenv("MXFERRY_TEST_CRASH_CHILD") == nullptr) GTEST_SKIP() << "run by the tests below";
  crash_point("dns.intent", "flip:a.test");
  crash_point("dns.applied", "names:a.test");
  crash_point("dns.applied", "flip:a.test");
  crash_point("store.committed");
  ::_exit(kAllPassed);
}

// The child's end: the signal that killed it as a negative number, or its exit code.
int end_with(const char* wanted) {
  std::array<char, 4096> self{};
  if (::readlink("/proc/self/exe", self.data(), self.size() - 1) < 0) return 1000;
  const auto child = ::fork();
  if (child == 0) {
    if (wanted != nullptr)
      ::setenv("MXFERRY_DEBUG_KILL_AT", wanted, 1);
    else
      ::unsetenv("MXFERRY_DEBUG_KILL_AT");
    ::setenv("MXFERRY_TEST_CRASH_CHILD", "1", 1);
    ::unsetenv("GTEST_OUTPUT");
    ::execl(self.data(), self.data(), "--gtest_filter=CrashPointChild.PassesPoints", nullptr);
    ::_exit(1001);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(CrashPoint, WithoutTheVariableNothingHappens) { EXPECT_EQ(end_with(nullptr), kAllPassed); }

TEST(CrashPoint, KillsAtTheNamedPoint) {
  EXPECT_EQ(end_with("dns.intent"), -SIGKILL);
  EXPECT_EQ(end_with("dns"), kAllPassed);
  EXPECT_EQ(end_with("append.intent"), kAllPassed);
}

TEST(CrashPoint, KillsAtTheNthPass) {
  EXPECT_EQ(end_with("dns.applied:2"), -SIGKILL);
  EXPECT_EQ(end_with("dns.applied:3"), kAllPassed);
}

TEST(CrashPoint, MayBeNarrowedToAKindOfStep) {
  EXPECT_EQ(end_with("dns.applied.flip"), -SIGKILL);
  EXPECT_EQ(end_with("dns.applied.flip:2"), kAllPassed);
  EXPECT_EQ(end_with("dns.applied.restore"), kAllPassed);
}

TEST(CrashPoint, AnyCountsEveryPointButTransactions) {
  EXPECT_EQ(end_with("any:3"), -SIGKILL);
  EXPECT_EQ(end_with("any:4"), kAllPassed);
  EXPECT_EQ(end_with("store.committed"), -SIGKILL);
}

TEST(CrashPoint, ListsWhatIsPassed) {
  const test::TempDir dir;
  const auto list = dir.path() / "points";
  ::setenv("MXFERRY_DEBUG_POINTS", list.c_str(), 1);
  EXPECT_EQ(end_with(nullptr), kAllPassed);
  EXPECT_EQ(end_with("dns.applied"), -SIGKILL);
  ::unsetenv("MXFERRY_DEBUG_POINTS");
  std::ostringstream text;
  text << std::ifstream(list).rdbuf();
  EXPECT_EQ(text.str(),
            "dns.intent\ndns.applied\ndns.applied\nstore.committed\ndns.intent\ndns.applied\n");
}

}  // namespace
}  // namespace mxferry
