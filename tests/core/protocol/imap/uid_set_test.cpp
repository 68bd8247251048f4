// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/uid_set.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace mxferry::imap {
namespace {

TEST(UidSet, MergesOverlappingAndAdjacentIntervals) {
  auto set = UidSet::parse("5,1:3,4,9:7,20");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->text(), "1:5,7:9,20");
  EXPECT_EQ(set->count(), 9U);
  EXPECT_TRUE(set->contains(Uid(8)));
  EXPECT_FALSE(set->contains(Uid(6)));
}

TEST(UidSet, HoldsTheLargestUidWithoutWrapping) {
  auto set = UidSet::parse("1:4294967295");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->count(), 4294967295U);
  UidSet last(Uid(4294967295U));
  last.add(Uid(4294967294U));
  EXPECT_EQ(last.text(), "4294967294:4294967295");
  EXPECT_EQ(last.uids().size(), 2U);
}

TEST(UidSet, RefusesZeroStarOverflowAndRubbish) {
  for (const auto* text : {"", "0", "1:0", "*", "1:*", "4294967296", "1,,2", "1,", "a", "1 "})
    EXPECT_FALSE(UidSet::parse(text)) << text;
  EXPECT_NE(UidSet::parse("12,4294967296").error().text.find("offset 3"), std::string::npos);
}

TEST(UidSet, EqualsANaiveSetForRandomInput) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    UidSet set;
    std::set<std::uint32_t> naive;
    for (int i = 0; i < 60; ++i) {
      const auto first = 1 + random() % 200;
      const auto last = first + random() % 8;
      set.add(Uid(static_cast<std::uint32_t>(first)), Uid(static_cast<std::uint32_t>(last)));
      for (auto u = first; u <= last; ++u) naive.insert(static_cast<std::uint32_t>(u));
    }
    ASSERT_EQ(set.count(), naive.size()) << "seed " << seed;
    for (std::uint32_t u = 1; u < 220; ++u)
      ASSERT_EQ(set.contains(Uid(u)), naive.contains(u)) << "seed " << seed;
    ASSERT_EQ(UidSet::parse(set.text()).value(), set);
  }
}

TEST(UidSet, SplitsIntoTextsThatFitALine) {
  UidSet set;
  for (std::uint32_t u = 1; u < 2000; u += 2) set.add(Uid(u));
  std::uint64_t total = 0;
  for (const auto& piece : set.split(100)) {
    EXPECT_LE(piece.text().size(), 100U);
    total += piece.count();
  }
  EXPECT_EQ(total, set.count());
}

}  // namespace
}  // namespace mxferry::imap
