// SPDX-License-Identifier: Apache-2.0
#include "model/not_moved.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mxferry {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST(NotMoved, IsNeverEmptyAndNamesWhatPeopleMissMost) {
  const auto list = not_moved({});
  ASSERT_FALSE(list.empty());
  for (const auto* what : {"calendars", "contacts", "rules", "forwards", "app passwords"})
    EXPECT_THAT(list, Contains(HasSubstr(what)));
}

TEST(NotMoved, TakesWhatTheProvidersSayOnceWhateverTheCase) {
  const auto list =
      not_moved({"Files in the drive", "files in the DRIVE", "", "Calendars and tasks"});
  EXPECT_EQ(list.size(), base_not_moved().size() + 1);
  EXPECT_EQ(list.back(), "Files in the drive");
}

TEST(NotMoved, NeutralisesAHostileItem) {
  EXPECT_EQ(not_moved({"a\x1b]0;x\x07"}).back(), "a\\x1b]0;x\\x07");
}

}  // namespace
}  // namespace mxferry
