// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/internal_date.hpp"

#include <gtest/gtest.h>

namespace mxferry::imap {
namespace {

TEST(InternalDate, ReadsAndWritesInstantAndZone) {
  for (const auto* text :
       {"17-Jul-1996 02:44:25 -0700", " 1-Jan-1970 00:00:00 +0000", "31-Dec-2023 23:59:59 +1400",
        "29-Feb-2024 12:00:00 +0530", " 1-Jan-1970 00:00:01 +1400"}) {
    const auto date = parse_internal_date(text);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(format_internal_date(*date), text);
  }
  const auto date = parse_internal_date("17-Jul-1996 02:44:25 -0700");
  EXPECT_EQ(date->instant.time_since_epoch().count(), 837596665);
  EXPECT_EQ(*date, *parse_internal_date("17-jul-1996 09:44:25 +0000"));
  EXPECT_TRUE(parse_internal_date("7-Jul-1996 02:44:25 -0700"));
}

TEST(InternalDate, RefusesWhatIsNoDate) {
  for (const auto* text : {"", "31-Feb-2020 00:00:00 +0000", "01-Foo-2020 00:00:00 +0000",
                           "01-Jan-2020 24:00:00 +0000", "01-Jan-2020 00:00:00",
                           "01-Jan-2020 00:00:00 +00", "01-Jan-2020 00:00:00 +0000x"})
    EXPECT_FALSE(parse_internal_date(text)) << text;
}

}  // namespace
}  // namespace mxferry::imap
