// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/lost_nul.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mxferry::imap {
namespace {

using namespace std::string_literals;

TEST(LostNul, IsSuspectedWhere0x80IsNoPartOfACharacter) {
  for (const auto& text : {"a\x80"s, "\x80"s, "a\x80z"s, "\xC2\x80"s, "\xE0\x80\x80"s,
                           "\xE2\x82\x80\x80"s, "\xE2\x80"s, "\xE2\x80x"s, "\xF0\x80\x80\x80"s,
                           "\x80\x80\x80\x80"s, "\xFF\x80"s, "\xC1\x80"s})
    EXPECT_TRUE(may_have_lost_nul(text)) << testing::PrintToString(text);
}

TEST(LostNul, IsNotSuspectedInUtf8) {
  for (const auto& text : {""s, "plain"s, "a \xE2\x80\x94 b"s, "\xE2\x82\x80"s, "\xC3\x80"s,
                           "\xF0\x9F\x98\x80"s, "\xE4\xB8\x80\xE2\x80\x80"s, "\x81\x90"s})
    EXPECT_FALSE(may_have_lost_nul(text)) << testing::PrintToString(text);
}

TEST(LostNul, IsRestoredOnlyWhereNothingElseDiffers) {
  EXPECT_EQ(compare_with_binary("a\x80z\x80"s, "a\0z\0"s), NulLoss::restored);
  EXPECT_EQ(compare_with_binary("a\x80z\x80"s, "a\0z\x80"s), NulLoss::restored);
  EXPECT_EQ(compare_with_binary("a\x80z"s, "a\x80z"s), NulLoss::none);
  EXPECT_EQ(compare_with_binary("a\x80 YWI="s, "a\0 ab"s), NulLoss::lost);
  EXPECT_EQ(compare_with_binary("a\x80z"s, "a\0y"s), NulLoss::lost);
  EXPECT_EQ(compare_with_binary("base64 \x80"s, "binary \0"s), NulLoss::none);
  EXPECT_EQ(compare_with_binary("a\x80z"s, "a"s), NulLoss::none);
  EXPECT_EQ(compare_with_binary(""s, ""s), NulLoss::none);
}

}  // namespace
}  // namespace mxferry::imap
