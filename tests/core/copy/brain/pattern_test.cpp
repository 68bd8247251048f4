// SPDX-License-Identifier: Apache-2.0
#include "copy/brain/pattern.hpp"

#include <gtest/gtest.h>

namespace mxferry::copy {
namespace {

TEST(Pattern, AGlobsStarStaysWithinAPart) {
  EXPECT_TRUE(Pattern::glob("Work/*").matches("Work/2019"));
  EXPECT_FALSE(Pattern::glob("Work/*").matches("Work/2019/Q1"));
  EXPECT_TRUE(Pattern::glob("Work/**").matches("Work/2019/Q1"));
  EXPECT_FALSE(Pattern::glob("Work/**").matches("Work"));
  EXPECT_TRUE(Pattern::glob("201?").matches("2019"));
  EXPECT_FALSE(Pattern::glob("201?").matches("201/"));
  EXPECT_TRUE(Pattern::glob("?ffen").matches("öffen")) << "one character, not one octet";
}

TEST(Pattern, TheRestOfAGlobStandsForItself) {
  const std::string odd = "a.b+c(d)[e]{f}^$|\\";
  EXPECT_TRUE(Pattern::glob(odd).matches(odd));
  EXPECT_FALSE(Pattern::glob("a.b").matches("axb"));
}

TEST(Pattern, GroupsFillTheTarget) {
  auto re = Pattern::regex("(?i)list-(.+)-(\\d+)");
  ASSERT_TRUE(re);
  EXPECT_EQ(re->groups(), 2);
  EXPECT_EQ(re->rewrite("LIST-dev-12", "Lists/\\1/\\2"), "Lists/dev/12");
  EXPECT_EQ(re->rewrite("dev", "x"), std::nullopt);
  EXPECT_EQ(Pattern::glob("Lists/*").rewrite("Lists/dev", "L/\\1"), "L/dev");
  auto bad = Pattern::regex("a(b");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::config);
}

TEST(FolderChoice, AFolderCoversWhatLiesBelowItAndExceptIsStronger) {
  FolderFilter filter;
  EXPECT_TRUE(FolderChoice(filter).takes({"anything"}));
  filter.only = {"Work", "inbox"};
  filter.except = {"Work/old"};
  const FolderChoice choice(filter);
  EXPECT_TRUE(choice.takes({"Work"}));
  EXPECT_TRUE(choice.takes({"Work", "2019", "Q1"}));
  EXPECT_FALSE(choice.takes({"Workshop"}));
  EXPECT_FALSE(choice.takes({"Work", "old"}));
  EXPECT_FALSE(choice.takes({"Work", "old", "deep"}));
  EXPECT_TRUE(choice.takes({"Work", "older"}));
  EXPECT_TRUE(choice.takes({"INBOX"}));
  EXPECT_TRUE(choice.takes({"Inbox"}));
}

}  // namespace
}  // namespace mxferry::copy
