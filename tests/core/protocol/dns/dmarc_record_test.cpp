// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/dmarc_record.hpp"

#include <gtest/gtest.h>

namespace mxferry::dns {
namespace {

TEST(DmarcRecord, BeginsWithItsVersionInThisCase) {
  for (const char* text : {"v=DMARC1", "v=DMARC1;p=none", "v = DMARC1 ; p=none", "V=DMARC1"})
    EXPECT_TRUE(is_dmarc(text)) << text;
  for (const char* text : {"", "v=dmarc1; p=none", "v=DMARC1 p=none", "v=DMARC2",
                           "p=none; v=DMARC1", " v=DMARC1", "v=DMARC1x; p=none", "v=spf1"})
    EXPECT_FALSE(is_dmarc(text)) << text;
}

TEST(DmarcRecord, ReadsEveryTag) {
  const auto record = parse_dmarc(
      "v=DMARC1; p=Reject; sp = quarantine; np=none;adkim=s; aspf=r; psd=n; t=y; "
      "rua=mailto:a@example.com , mailto:b@example.com; ruf=mailto:c@example.com; x=unknown;");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->p, DmarcPolicy::reject);
  EXPECT_EQ(record->sp, DmarcPolicy::quarantine);
  EXPECT_EQ(record->np, DmarcPolicy::none);
  EXPECT_TRUE(record->strict_dkim);
  EXPECT_FALSE(record->strict_spf);
  EXPECT_EQ(record->psd, 'n');
  EXPECT_TRUE(record->testing);
  EXPECT_EQ(record->rua,
            (std::vector<std::string>{"mailto:a@example.com", "mailto:b@example.com"}));
  EXPECT_EQ(record->ruf.size(), 1U);
  EXPECT_FALSE(record->policy_broken);
  EXPECT_TRUE(record->problems.empty());
}

TEST(DmarcRecord, AMistakeCostsTheTagAndIsTold) {
  const auto record = parse_dmarc(
      "v=DMARC1; p=rejekt; adkim=x; psd=z; t=maybe; pct=101; ;; =; "
      "junk; rua=somebody; p=none; ri=86400");
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->policy_broken);
  EXPECT_FALSE(record->p);
  EXPECT_FALSE(record->strict_dkim);
  EXPECT_EQ(record->psd, 'u');
  EXPECT_FALSE(record->testing);
  EXPECT_FALSE(record->pct);
  EXPECT_TRUE(record->rua.empty());
  EXPECT_EQ(record->problems.size(), 10U);
}

TEST(DmarcRecord, WithoutAPolicyItIsBroken) {
  EXPECT_TRUE(parse_dmarc("v=DMARC1; rua=mailto:a@example.com")->policy_broken);
  EXPECT_TRUE(parse_dmarc("v=DMARC1; p=none; sp=all")->policy_broken);
}

TEST(DmarcRecord, TagsThatRfc9989RemovedAreRead) {
  const auto record = parse_dmarc("v=DMARC1; p=reject; pct=20; rua=mailto:a@example.com!10m");
  EXPECT_EQ(record->pct, 20);
  EXPECT_EQ(record->rua.size(), 1U);
  EXPECT_EQ(record->problems.size(), 2U);
}

}  // namespace
}  // namespace mxferry::dns
