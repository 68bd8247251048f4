// SPDX-License-Identifier: Apache-2.0
#include "plan/addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mxferry::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

config::PlanFile file() {
  config::PlanFile f;
  f.id = "m";
  config::Domain d;
  d.name = "alpha.test";
  f.domains.push_back(d);
  config::Mailbox box;
  box.source = "Anna@old.test";
  box.dest = "anna@alpha.test";
  box.aliases = {"Sales@alpha.test"};
  f.mailboxes.push_back(box);
  f.addresses_ignore = {{"gone@alpha.test", "left"}};
  return f;
}

SeenAddresses count(const std::vector<std::string>& headers) {
  SeenAddresses out;
  for (const auto& header : headers) count_addresses(header, {"alpha.test"}, out);
  return out;
}

TEST(Addresses, CountsAMessageOnceForAnAddressAndOnceForEachHeader) {
  const auto seen =
      count({"Delivered-To: team@alpha.test\r\nTo: \"Team\" <Team@Alpha.test>,\r\n "
             "team@alpha.test, third@party.test\r\nCc: anna@alpha.test\r\n\r\n",
             "to:team@alpha.test\r\nX-Original-To : team@alpha.test\r\n"});
  EXPECT_EQ(seen.messages, 2U);
  ASSERT_EQ(seen.seen.size(), 2U) << "no third party's address is kept";
  const auto& team = seen.seen.at("team@alpha.test");
  EXPECT_EQ(team.messages, 2U);
  EXPECT_EQ(team.by_header, (std::map<std::string, std::uint64_t>{
                                {"Delivered-To", 1}, {"X-Original-To", 1}, {"To", 2}}));
}

TEST(Addresses, OtherHeadersAndOtherDomainsDoNotCount) {
  EXPECT_TRUE(count({"From: a@alpha.test\r\nBcc: b@alpha.test\r\nTo: c@sub.alpha.test, "
                     "d@alpha.test.evil.test\r\n\r\nTo: e@alpha.test\r\n"})
                  .seen.empty());
}

TEST(Addresses, ServedAreMailboxesAliasesTagsAndIgnored) {
  const auto f = file();
  for (const auto* address : {"anna@alpha.test", "ANNA@alpha.test", "sales@alpha.test",
                              "anna+news@alpha.test", "gone@alpha.test", "anna@old.test"})
    EXPECT_TRUE(is_served(f, address)) << address;
  for (const auto* address : {"team@alpha.test", "+anna@alpha.test", "team+x@alpha.test"})
    EXPECT_FALSE(is_served(f, address)) << address;
}

TEST(Addresses, WhatIsNotServedBlocksUntilItIsMappedIgnoredOrAcceptedByName) {
  auto f = file();
  SeenAddresses seen =
      count({"To: rare@alpha.test", "To: team@alpha.test", "Delivered-To: team@alpha.test"});
  auto findings = judge_addresses(f, seen);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].subject, "team@alpha.test") << "the most frequent first";
  EXPECT_EQ(findings[0].id, "AD-01");
  EXPECT_EQ(findings[0].severity, Severity::block);
  EXPECT_THAT(findings[0].text, HasSubstr("2 messages (Delivered-To 1, To 1)"));
  EXPECT_THAT(findings[1].text, HasSubstr("1 message (To 1)"));
  EXPECT_THAT(findings[0].remedy, HasSubstr("[addresses] ignore"));

  f.mailboxes[0].aliases.push_back("team@alpha.test");
  f.accept = {{"AD-01", "all of them"}};
  findings = judge_addresses(f, seen);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].accepted, "") << "AD-01 is accepted by name only";
  f.accept = {{"AD-01:rare@alpha.test", "a typing mistake"}};
  EXPECT_EQ(judge_addresses(f, seen).at(0).accepted, "a typing mistake");
  f.addresses_ignore.push_back({"rare@alpha.test", "a typing mistake"});
  EXPECT_TRUE(judge_addresses(f, seen).empty());
}

TEST(Addresses, TooManyToCountBlocksToo) {
  SeenAddresses seen;
  for (std::size_t i = 0; i <= kMostSeenAddresses; ++i)
    count_addresses("To: a" + std::to_string(i) + "@alpha.test", {"alpha.test"}, seen);
  EXPECT_EQ(seen.seen.size(), kMostSeenAddresses);
  EXPECT_TRUE(seen.cut);
  SeenAddresses only_cut;
  only_cut.cut = true;
  auto f = file();
  ASSERT_EQ(judge_addresses(f, only_cut).size(), 1U);
  EXPECT_EQ(judge_addresses(f, only_cut)[0].severity, Severity::block);
  f.accept = {{"AD-01:m", "a catch-all, known"}};
  EXPECT_EQ(judge_addresses(f, only_cut)[0].accepted, "a catch-all, known");
}

TEST(Addresses, AddsUpWhatMailboxesSaw) {
  auto sum = count({"To: team@alpha.test"});
  add(sum, count({"Cc: team@alpha.test", "To: x@alpha.test"}));
  EXPECT_EQ(sum.messages, 3U);
  EXPECT_EQ(sum.seen.at("team@alpha.test").messages, 2U);
  EXPECT_EQ(sum.seen.size(), 2U);
}

TEST(CatchAll, AnAnswerIsACatchAllARefusalOrNothing) {
  EXPECT_EQ(judge_probe(250, "2.1.5 ok"), CatchAll::yes);
  EXPECT_EQ(judge_probe(251, "will forward"), CatchAll::yes);
  EXPECT_EQ(judge_probe(550, "5.1.1 no such user"), CatchAll::no);
  EXPECT_EQ(judge_probe(553, "no mailbox here"), CatchAll::no);
  EXPECT_EQ(judge_probe(252, "cannot verify"), CatchAll::unknown);
  EXPECT_EQ(judge_probe(450, "4.7.1 greylisted"), CatchAll::unknown);
  EXPECT_EQ(judge_probe(550, "5.7.1 blocked, see a list"), CatchAll::unknown);
  EXPECT_EQ(judge_probe(554, "no service"), CatchAll::unknown);
}

TEST(CatchAll, OneHostThatTakesEverythingIsEnoughAndUnknownIsNeverAPass) {
  const Probe no{"mx1.", CatchAll::no, "550"};
  const Probe yes{"mx2.", CatchAll::yes, "250"};
  const Probe unknown{"mx3.", CatchAll::unknown, "timed out"};
  EXPECT_TRUE(judge_probes("alpha.test", {no, no}).empty());
  auto found = judge_probes("alpha.test", {no, unknown, yes});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].text, HasSubstr("mx2."));
  EXPECT_THAT(found[0].text, HasSubstr("takes mail for an address that nobody has"));
  found = judge_probes("alpha.test", {no, unknown});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].severity, Severity::warning);
  EXPECT_THAT(found[0].text, HasSubstr("could not be found out: timed out"));
}

}  // namespace
}  // namespace mxferry::plan
