// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/mta_sts.hpp"

#include <gtest/gtest.h>

namespace mxferry::dns {
namespace {

const std::string kPolicy =
    "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: "
    "backupmx.example.com"
    "\nmax_age: 604800\n";

TEST(StsPolicy, TheExampleOfTheRfcIsReadWithEitherLineEnd) {
  const auto lf = parse_sts_policy(kPolicy);
  ASSERT_TRUE(lf) << lf.error().message();
  EXPECT_EQ(lf->mode, StsMode::enforce);
  EXPECT_EQ(lf->max_age, 604800U);
  EXPECT_EQ(lf->mx, (std::vector<std::string>{"mail.example.com", "*.example.net",
                                              "backupmx.example.com"}));
  std::string crlf;
  for (const char c : kPolicy) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const auto again = parse_sts_policy(crlf);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *lf);
  EXPECT_EQ(format_sts_policy(*lf),
            "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: "
            "*.example.net\r\nmx: backupmx.example.com\r\nmax_age: "
            "604800\r\n");
  EXPECT_EQ(*parse_sts_policy(format_sts_policy(*lf)), *lf);
  EXPECT_EQ(*parse_sts_policy(kPolicy.substr(0, kPolicy.size() - 1)), *lf) << "no final line end";
}

TEST(StsPolicy, OfADoubleKeyTheFirstCountsAndUnknownKeysAreLeftAlone) {
  const auto policy = parse_sts_policy(
      "version: STSv1\nmode : testing\nmode: enforce\nmax_age:1\nmax_age: 2\nfuture: "
      "a:b\nmx:A.Example."
      "\n");
  ASSERT_TRUE(policy) << policy.error().message();
  EXPECT_EQ(policy->mode, StsMode::testing);
  EXPECT_EQ(policy->max_age, 1U);
  EXPECT_EQ(policy->mx, std::vector<std::string>{"a.example"});
}

TEST(StsPolicy, WhatIsNoPolicyIsAnError) {
  for (const auto* text :
       {"", "mode: enforce\nmx: a.example\nmax_age: 1\n",
        "version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 1\n",
        "version: STSv1\nmode: enforced\nmx: a.example\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmx: a.example\n",
        "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: -1\n",
        "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 1d\n",
        "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 31557601\n",
        "version: STSv1\nmode: enforce\nmx: *.*.example\nmax_age: 1\n",
        "version: STSv1\nmode: enforce\nmx: 10 a.example\nmax_age: 1\n", "<html>\n"})
    EXPECT_FALSE(parse_sts_policy(text)) << text;
  EXPECT_TRUE(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 31557600\n"));
}

TEST(StsPolicy, SixtyFourKibibytesAndNotOneMore) {
  std::string text = kPolicy + "x: ";
  text.resize(kStsPolicyBytes, 'a');
  EXPECT_TRUE(parse_sts_policy(text));
  text += 'a';
  EXPECT_FALSE(parse_sts_policy(text));
}

TEST(StsPolicy, AStarIsExactlyOneLabel) {
  const auto policy = *parse_sts_policy(kPolicy);
  EXPECT_TRUE(sts_lists(policy, "MAIL.example.com."));
  EXPECT_TRUE(sts_lists(policy, "a.example.net"));
  EXPECT_FALSE(sts_lists(policy, "a.b.example.net"));
  EXPECT_FALSE(sts_lists(policy, "example.net"));
  EXPECT_FALSE(sts_lists(policy, ".example.net"));
  EXPECT_FALSE(sts_lists(policy, "xexample.net"));
  EXPECT_FALSE(sts_lists(policy, "other.example.com"));
}

TEST(StsRecord, GivesItsIdOrSaysWhyNot) {
  EXPECT_EQ(*sts_record_id("v=STSv1; id=20160831085700Z;"), "20160831085700Z");
  EXPECT_EQ(*sts_record_id("v=STSv1 ;x=1; id = abc"), "abc");
  for (const auto* text : {"v=STSv1", "v=STSv1;", "v=STSv1; id=;", "v=STSv1; id=a-b;",
                           "v=STSv1; id=123456789012345678901234567890123;", "v=STSv11; id=1;",
                           "V=STSv1; id=1;", " v=STSv1; id=1;"})
    EXPECT_FALSE(sts_record_id(text)) << text;
  EXPECT_EQ(*sts_record_id(sts_record("1")), "1");
  EXPECT_FALSE(is_sts_record("v=spf1 -all"));
}

}  // namespace
}  // namespace mxferry::dns
