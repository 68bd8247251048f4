// SPDX-License-Identifier: Apache-2.0
#include "dns/soa.hpp"

#include <gtest/gtest.h>

#include "dns/indirect.hpp"

namespace mxferry::dns {
namespace {

TEST(Soa, ItsTimesAreReadAndALackOfThemIsSeen) {
  const auto soa = parse_soa("ns.a.test. h.a.test. 2026112801 3600 600 604800 300");
  ASSERT_TRUE(soa);
  EXPECT_EQ(soa->serial, 2026112801U);
  EXPECT_EQ(soa->refresh, 3600U);
  EXPECT_EQ(soa->retry, 600U);
  EXPECT_EQ(soa->minimum, 300U);
  EXPECT_FALSE(parse_soa("ns.a.test. h.a.test. 1 2 3 4"));
  EXPECT_FALSE(parse_soa("ns.a.test. h.a.test. 1 2 x 4 5"));
  EXPECT_FALSE(parse_soa(""));
}

TEST(Soa, ANegativeAnswerLastsTheSmallerOfBoth) {
  Soa soa;
  soa.minimum = 300;
  EXPECT_EQ(negative_ttl_of(soa, 60), 60U);
  EXPECT_EQ(negative_ttl_of(soa, 3600), 300U);
}

TEST(Soa, ASecondaryThatMissedEachNotifyIsWaitedFor) {
  Soa soa;
  soa.refresh = 3600;
  soa.retry = 600;
  EXPECT_EQ(publication_bound(soa, std::chrono::seconds(60)), std::chrono::seconds(4260));
}

}  // namespace
}  // namespace mxferry::dns
