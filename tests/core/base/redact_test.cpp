// SPDX-License-Identifier: Apache-2.0
#include "base/redact.hpp"

#include <gtest/gtest.h>

namespace mxferry {
namespace {

std::string clean(const std::string& text, const std::string& secret) {
  return redact(text, Secret(secret), "[secret]");
}

TEST(Redact, TakesEverySpellingOut) {
  const std::string s = "a&b\"c/9";
  EXPECT_EQ(clean("x a&b\"c/9 y a&b\"c/9", s), "x [secret] y [secret]");
  EXPECT_EQ(clean("LOGIN anna \"a&b\\\"c/9\"", s), "LOGIN anna \"[secret]\"");
  EXPECT_EQ(clean("?k=a%26b%22c%2F9", s), "?k=[secret]");
  EXPECT_EQ(clean("?k=a%26b%22c%2f9", s), "?k=[secret]");
  EXPECT_EQ(clean("61266222632f39 61266222632F39", s), "[secret] [secret]");
  EXPECT_EQ(clean("YSZiImMvOQ==", s), "[secret]");
}

// printf '\0anna\0hunter2hunter2' | base64, with users of three lengths.
TEST(Redact, FindsThePasswordInSaslPlainOfAnyUser) {
  for (const std::string text : {"AGFubmEAaHVudGVyMmh1bnRlcjI=", "AGFubmFiAGh1bnRlcjJodW50ZXIy",
                                 "AGFubmFiZQBodW50ZXIyaHVudGVyMg=="}) {
    const auto out = clean(text, "hunter2hunter2");
    EXPECT_NE(out.find("[secret]"), std::string::npos) << text;
    EXPECT_LE(out.size(), 8U + 20U) << out;
  }
}

TEST(Redact, LeavesOrdinaryWordsAndShortSecrets) {
  EXPECT_EQ(clean("nothing here", "hunter2"), "nothing here");
  EXPECT_EQ(clean("the cat", "cat"), "the cat");
  EXPECT_EQ(clean("", "hunter2"), "");
  EXPECT_EQ(clean("text", ""), "text");
}

// A secret like our own words: that must not go on for ever.
TEST(Redact, EndsWhereTheMarkHoldsTheSecret) { EXPECT_NE(clean("secret", "secret"), ""); }

}  // namespace
}  // namespace mxferry
