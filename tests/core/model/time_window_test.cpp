// SPDX-License-Identifier: Apache-2.0
#include "model/time_window.hpp"

#include <gtest/gtest.h>

namespace mxferry {
namespace {

using namespace std::chrono;

Instant utc(int y, unsigned m, unsigned d, int hour, int minute = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(hour) + minutes(minute);
}

TimeWindow window(const char* text) {
  auto out = TimeWindow::parse(text);
  EXPECT_TRUE(out) << out.error().message();
  return out ? *out : TimeWindow();
}

TEST(TimeWindow, OfNightsBelongsToTheDayItBeginsOn) {
  const auto nights = window("Mon-Fri 20:00-06:00");
  // 2024-01-01 is a Monday.
  EXPECT_FALSE(nights.contains(utc(2024, 1, 1, 5, 59))) << "of Sunday's night";
  EXPECT_EQ(nights.opens(utc(2024, 1, 1, 5, 59)), utc(2024, 1, 1, 20));
  EXPECT_TRUE(nights.contains(utc(2024, 1, 1, 20)));
  EXPECT_TRUE(nights.contains(utc(2024, 1, 2, 5, 59)));
  EXPECT_FALSE(nights.contains(utc(2024, 1, 2, 6)));
  EXPECT_TRUE(nights.contains(utc(2024, 1, 6, 5))) << "Friday's night ends on Saturday";
  EXPECT_EQ(nights.opens(utc(2024, 1, 6, 6)), utc(2024, 1, 8, 20)) << "not before Monday";
  EXPECT_EQ(nights.opens(utc(2024, 1, 2, 3)), utc(2024, 1, 2, 3));
}

TEST(TimeWindow, OfSeveralSpansIsOpenInEach) {
  const auto both = window("Mon-Fri 20:00-06:00, Sat-Sun 00:00-24:00 UTC");
  EXPECT_TRUE(both.contains(utc(2024, 1, 6, 12)));
  EXPECT_TRUE(both.contains(utc(2024, 1, 7, 23, 59)));
  EXPECT_FALSE(both.contains(utc(2024, 1, 8, 0)));
  const auto over_the_week = window("Sat-Mon 10:00-11:00");
  EXPECT_TRUE(over_the_week.contains(utc(2024, 1, 7, 10)));
  EXPECT_EQ(over_the_week.opens(utc(2024, 1, 8, 11)), utc(2024, 1, 13, 10));
  EXPECT_EQ(window("Wed 10:00-11:00").opens(utc(2024, 1, 3, 11)), utc(2024, 1, 10, 10));
}

TEST(TimeWindow, FollowsTheClocksOfItsPlace) {
  const auto berlin = window("daily 20:00-06:00 Europe/Berlin");
  EXPECT_EQ(berlin.opens(utc(2024, 1, 10, 12)), utc(2024, 1, 10, 19)) << "UTC+1";
  EXPECT_EQ(berlin.opens(utc(2024, 7, 10, 12)), utc(2024, 7, 10, 18)) << "UTC+2";
  // 2024-03-31: 02:00 becomes 03:00. 2024-10-27: 03:00 becomes 02:00.
  const auto skipped = window("Sun 02:30-04:00 Europe/Berlin");
  EXPECT_EQ(skipped.opens(utc(2024, 3, 31, 0)), utc(2024, 3, 31, 1));
  EXPECT_FALSE(skipped.contains(utc(2024, 3, 31, 2)));
  const auto twice = window("Sun 02:15-02:45 Europe/Berlin");
  EXPECT_EQ(twice.opens(utc(2024, 10, 27, 0)), utc(2024, 10, 27, 0, 15));
  EXPECT_TRUE(twice.contains(utc(2024, 10, 27, 1, 30))) << "until the second 02:45";
  EXPECT_FALSE(twice.contains(utc(2024, 10, 27, 1, 45)));
}

TEST(TimeWindow, ThatCannotBeReadIsRefusedWithItsPart) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "days and times"},
      {"20:00-06:00", "days and times"},
      {"Monday 20:00-06:00", "Mon-Fri"},
      {"Mon-Fri 20:00", "two times"},
      {"Mon-Fri 20-06", "two times"},
      {"Mon-Fri 24:00-06:00", "two times"},
      {"Mon-Fri 20:60-06:00", "two times"},
      {"Mon-Fri 20:00-24:01", "two times"},
      {"Mon-Fri 20:00-20:00", "two times"},
      {"Mon-Fri 20:00-06:00,", "days and times"},
      {"Mon-Fri 20:00-06:00 Europe/Atlantis", "time zone"},
      {"Mon-Fri 20:00-06:00 ../../etc/passwd", "time zone"},
  };
  for (const auto& [text, expected] : wrong) {
    const auto parsed = TimeWindow::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::config);
    EXPECT_NE(parsed.error().text.find(expected), std::string::npos) << parsed.error().text;
  }
}

}  // namespace
}  // namespace mxferry
