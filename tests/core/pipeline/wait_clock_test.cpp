// SPDX-License-Identifier: Apache-2.0
#include "pipeline/wait_clock.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "pipeline/run_store.hpp"
#include "store/state_file.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class WaitClockTest : public ::testing::Test {
 protected:
  test::TempDir dir_;
  ManualClock clock_{Instant(hours(24 * 365 * 56))};
  Result<store::StateFile> state_ = store::StateFile::open(dir_ / "state.db", store::Access::act);
  WaitClock wait_{state_->db(), clock_};
  Millis progress() { return wait_.progress("k").value().value_or(Millis(-1)); }
};

TEST_F(WaitClockTest, CountsFromTheFirstStartOnly) {
  EXPECT_EQ(progress(), Millis(-1));
  ASSERT_TRUE(wait_.start("k"));
  clock_.advance(seconds(5));
  ASSERT_TRUE(wait_.start("k"));
  clock_.advance(seconds(5));
  EXPECT_EQ(progress(), seconds(10));
  ASSERT_TRUE(wait_.reset("k"));
  EXPECT_EQ(progress(), Millis(-1));
}

TEST_F(WaitClockTest, AStepOfTheWallClockOpensNothingEarly) {
  ASSERT_TRUE(wait_.start("k"));
  clock_.step_wall(hours(24));
  EXPECT_EQ(progress(), Millis(0));
  clock_.advance(seconds(3));
  EXPECT_EQ(progress(), seconds(3));
}

TEST_F(WaitClockTest, AStepBackOnlyDelays) {
  ASSERT_TRUE(wait_.start("k"));
  clock_.advance(seconds(10));
  clock_.step_wall(-hours(24));
  EXPECT_EQ(progress(), Millis(0));
  clock_.step_wall(hours(24));
  EXPECT_EQ(progress(), seconds(10));
}

TEST_F(WaitClockTest, TimeWhileTheMachineWasOffCountsNothing) {
  ASSERT_TRUE(wait_.start("k"));
  clock_.advance(seconds(30));
  ASSERT_TRUE(wait_.checkpoint("k"));
  clock_.advance(seconds(20));  // lost: not checkpointed before the power went
  clock_.reboot("boot-2", hours(5));
  EXPECT_EQ(progress(), seconds(30));
  clock_.advance(seconds(7));
  EXPECT_EQ(progress(), seconds(37));
}

TEST_F(WaitClockTest, AKilledProcessOnARunningMachineLosesNothing) {
  ASSERT_TRUE(wait_.start("k"));
  clock_.advance(seconds(30));
  WaitClock other(state_->db(), clock_);
  EXPECT_EQ(other.progress("k").value().value(), seconds(30));
}

TEST(RunStore, AChangedJournalIsFound) {
  test::TempDir dir;
  ManualClock clock{Instant(hours(1))};
  auto state = store::StateFile::open(dir / "state.db", store::Access::act);
  ASSERT_TRUE(state);
  RunStore store(*state, clock);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store.journal("s", "intent", Json{{"n", i}}));
  EXPECT_FALSE(store.broken_link().value());
  ASSERT_TRUE(state->db().run("UPDATE journal SET body = '{\"n\":9}' WHERE seq = 2"));
  EXPECT_EQ(store.broken_link().value(), 2);
}

TEST(RunStore, TheLargestTtlSeenStays) {
  test::TempDir dir;
  ManualClock clock{Instant(hours(1))};
  auto state = store::StateFile::open(dir / "state.db", store::Access::act);
  RunStore store(*state, clock);
  ASSERT_TRUE(store.see_ttl("a.", "a.", "MX", 40));
  ASSERT_TRUE(store.see_ttl("a.", "a.", "MX", 10));
  EXPECT_EQ(store.seen_ttl("a.", "a.", "MX").value(), 40U);
  EXPECT_FALSE(store.seen_ttl("a.", "a.", "TXT").value());
}

TEST(RunStore, DnsWritesKeepBothImages) {
  test::TempDir dir;
  ManualClock clock{Instant(hours(1))};
  auto state = store::StateFile::open(dir / "state.db", store::Access::act);
  RunStore store(*state, clock);
  ZoneRRset set;
  set.name = "a.";
  set.type = "MX";
  set.ttl = 5;
  set.records = {{"10 b.", "id", "{}"}};
  const auto id = store.dns_intent("a.", "flip:a", {{std::nullopt, set}, {set, std::nullopt}});
  ASSERT_TRUE(id) << id.error().message();
  EXPECT_EQ(store.dns_writes("a.").value().at(0).state, "intent");
  ASSERT_TRUE(store.dns_result(*id, {"c1"}));
  const auto writes = store.dns_writes("a.").value();
  ASSERT_EQ(writes.size(), 1U);
  EXPECT_EQ(writes[0].state, "done");
  EXPECT_FALSE(writes[0].changes.at(0).before);
  EXPECT_EQ(writes[0].changes.at(0).after, set);
  EXPECT_FALSE(writes[0].changes.at(1).after);
}

}  // namespace
}  // namespace mxferry::pipeline
