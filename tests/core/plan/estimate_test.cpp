// SPDX-License-Identifier: Apache-2.0
#include "plan/estimate.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace mxferry::plan {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Speed line(double bits) {
  Speed s;
  s.line = Rate::nominal_of(bits / 8);
  return s;
}

TEST(Estimate, OneGigabyteAtAHundredMegabitTakes100To200Seconds) {
  const Interval want{seconds(100), seconds(200)};
  EXPECT_EQ(estimate(Load{1, 1'000'000'000}, line(100e6)), want);
  EXPECT_EQ(estimate(std::vector<Load>{{1, 1'000'000'000}}, line(100e6)), want);
}

// Fifty gigabytes in twenty equal accounts, 340 KiB/s each, four at once: guides say 6 to 12 hours.
TEST(Estimate, FiftyGigabytesInTwentyAccountsTakeAboutTenHours) {
  Speed s;
  s.account_bytes = Rate::measured(340 * 1024);
  s.lanes = 4;
  const auto got = estimate(std::vector<Load>(20, Load{0, 2'500'000'000}), s);
  EXPECT_GE(got.least, hours(6));
  EXPECT_LE(got.most, hours(12));
  EXPECT_LE(got.least, hours(10));
  EXPECT_GE(got.most, hours(10));
}

TEST(Estimate, TheSlowestOfBytesMessagesAndBudgetCounts) {
  Speed s = line(100e6);
  s.account_messages = Rate::nominal_of(10);
  EXPECT_EQ(estimate(Load{8000, 1'000'000'000}, s), (Interval{seconds(1000), seconds(2000)}));
  EXPECT_EQ(estimate(Load{8, 1'000'000'000}, s), (Interval{seconds(100), seconds(200)}));
  s.account_bytes_per_day = 2'000'000'000;
  EXPECT_EQ(estimate(Load{8, 1'000'000'000}, s), (Interval{seconds(100), seconds(200)}))
      << "one day's budget is not waited for";
  EXPECT_EQ(estimate(Load{8, 6'000'000'000}, s), (Interval{hours(48), hours(72)}));
}

TEST(Estimate, LanesTakeTheNextAccountWhenTheyAreFree) {
  Speed s;
  s.account_messages = Rate{1, 1, 1};
  s.lanes = 2;
  // 3 | 1 2 | -> lane 1: 3, lane 2: 1 + 2, then 4 more on either.
  EXPECT_EQ(estimate(std::vector<Load>{{3, 0}, {1, 0}, {2, 0}, {4, 0}}, s).most, seconds(7));
  s.lanes = 1;
  EXPECT_EQ(estimate(std::vector<Load>{{3, 0}, {1, 0}, {2, 0}, {4, 0}}, s).most, seconds(10));
  s.lanes = 9;
  EXPECT_EQ(estimate(std::vector<Load>{{3, 0}, {1, 0}, {2, 0}, {4, 0}}, s).most, seconds(4));
}

TEST(Estimate, ManyLanesDoNotWidenTheLine) {
  Speed s = line(100e6);
  s.lanes = 64;
  EXPECT_EQ(estimate(std::vector<Load>(10, Load{1, 100'000'000}), s),
            (Interval{seconds(100), seconds(200)}));
}

TEST(Estimate, NothingToCopyOrNothingKnownIsZeroAndHugeNumbersDoNotWrap) {
  EXPECT_EQ(estimate(std::vector<Load>{}, line(100e6)), Interval{});
  EXPECT_EQ(estimate(Load{5, 5}, Speed{}), Interval{});
  EXPECT_EQ(estimate(Load{5, 5}, line(0)), Interval{});
  const auto huge = estimate(std::vector<Load>(1000, Load{UINT64_MAX, UINT64_MAX}), line(1));
  EXPECT_GT(huge.most, hours(24));
  EXPECT_GE(huge.most, huge.least);
}

TEST(Estimate, IsMadeAgainFromWhatThePilotShowed) {
  const auto speed =
      measured_speed({{100, 1'000'000, seconds(10)}, {0, 0, seconds(5)}, {5, 5, Millis(0)}});
  ASSERT_TRUE(speed);
  EXPECT_DOUBLE_EQ(speed->account_messages->nominal, 10);
  EXPECT_DOUBLE_EQ(speed->account_bytes->nominal, 100'000);
  EXPECT_EQ(estimate(Load{1000, 0}, *speed), (Interval{seconds(80), Millis(117'647)}));
  EXPECT_FALSE(measured_speed({}));
  EXPECT_FALSE(measured_speed({{0, 0, seconds(1)}}));
}

TEST(Estimate, PrintsAnInterval) {
  EXPECT_EQ(print(Interval{seconds(100), seconds(200)}), "100 s to 3 min 20 s");
  EXPECT_EQ(print(Interval{}), "0 s");
}

}  // namespace
}  // namespace mxferry::plan
