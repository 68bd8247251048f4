// SPDX-License-Identifier: Apache-2.0
#include "app/dns_snapshot_file.hpp"

#include <gtest/gtest.h>

namespace mxferry::app {
namespace {

ZoneRRset rrset(const std::string& name, const std::string& type, const std::string& rdata) {
  return {name, type, 40, {}, {{rdata}}};
}

const ZoneRRset kMade = rrset("sub.a.test.", "MX", "10 mx.new.test.");

// An apply that gave sub.a.test. its first MX.
AppliedSnapshot applied() {
  AppliedSnapshot out;
  out.plugin = "fake";
  out.before = {"a.test.",
                {rrset("a.test.", "MX", "10 mx.old.test."), rrset("www.a.test.", "A", "192.0.2.1"),
                 rrset("alias.a.test.", "CNAME", "b.test.")}};
  out.changes = {{std::nullopt, kMade}};
  return out;
}

ZoneSnapshot after() {
  auto out = applied().before;
  out.rrsets.push_back(kMade);
  return out;
}

TEST(Restoration, WhatTheApplyCreatedGoesThoughItIsTheNamesOnlyMx) {
  const auto back = restoration(applied(), after(), false);
  ASSERT_TRUE(back) << back.error().message();
  ASSERT_EQ(back->changes.size(), 1U);
  EXPECT_FALSE(back->changes[0].after);
  EXPECT_EQ(back->changes[0].before, kMade);
  EXPECT_TRUE(back->left.empty());
}

TEST(Restoration, AnMxThatSomebodyElseChangedSinceStays) {
  auto now = after();
  now.rrsets.back() = rrset("sub.a.test.", "MX", "10 mx.theirs.test.");
  const auto back = restoration(applied(), now, false);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->changes.empty());
  ASSERT_EQ(back->left.size(), 1U);
  // --all does not empty it either: it is not what the apply made.
  const auto all = restoration(applied(), now, true);
  ASSERT_FALSE(all);
  EXPECT_NE(all.error().text.find("DC-01"), std::string::npos);
}

TEST(Restoration, AnMxThatSomebodyElseMadeHoldsUpNothingAndIsNeverDeleted) {
  auto now = after();
  now.rrsets.push_back(rrset("theirs.a.test.", "MX", "10 mx.theirs.test."));
  const auto back = restoration(applied(), now, false);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->changes.size(), 1U);
  EXPECT_EQ(back->left.size(), 1U);
  const auto all = restoration(applied(), now, true);
  ASSERT_FALSE(all);
  EXPECT_NE(all.error().text.find("DC-01"), std::string::npos);
}

TEST(Restoration, AnAliasDoesNotComeBackBesideWhatOthersPutInItsPlace) {
  auto took = applied();
  took.changes = {{rrset("alias.a.test.", "CNAME", "b.test."), std::nullopt}};
  auto now = took.before;
  now.rrsets.pop_back();
  ASSERT_TRUE(restoration(took, now, false));
  now.rrsets.push_back(rrset("alias.a.test.", "A", "192.0.2.9"));
  const auto back = restoration(took, now, false);
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().text.find("DC-06"), std::string::npos);
}

}  // namespace
}  // namespace mxferry::app
