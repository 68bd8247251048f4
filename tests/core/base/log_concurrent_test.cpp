// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/log.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::log {
namespace {

TEST(LogConcurrent, EveryLineOfEveryThreadIsWholeAndThere) {
  const test::TempDir dir;
  constexpr int kThreads = 8;
  constexpr int kLines = 200;
  ASSERT_TRUE(open(dir / "run.log", Level::info));
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([t] {
        for (int i = 0; i < kLines; ++i)
          write(i % 2 == 0 ? Level::info : Level::error, "event",
                {{"thread", t}, {"i", i}, {"text", std::string(100, 'x')}});
      });
  }
  close();
  std::ifstream file(dir / "run.log");
  std::set<std::pair<int, int>> seen;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    seen.emplace(json["thread"], json["i"]);
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kThreads * kLines));
}

TEST(LogConcurrent, OpeningAndClosingBesideWritersIsNoRace) {
  const test::TempDir dir;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([](std::stop_token stop) {
      while (!stop.stop_requested()) write(Level::warn, "event", {{"a", 1}});
    });
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(open(dir / "run.log", Level::info));
    close();
  }
}

}  // namespace
}  // namespace mxferry::log
