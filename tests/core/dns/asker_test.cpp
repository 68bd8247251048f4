// SPDX-License-Identifier: Apache-2.0
#include "dns/asker.hpp"

#include <gtest/gtest.h>

#include "dns/authoritative.hpp"

namespace mxferry::dns {
namespace {

const Question kMx{"a.test.", "MX"};

Message answer(bool aa) {
  Message m;
  m.response = true;
  m.authoritative = aa;
  m.questions = {kMx};
  return m;
}
const Record kSoa{"a.test.", "SOA", 30, "ns.a.test. h.a.test. 1 2 3 4 10"};

TEST(Judge, AbsenceNeedsAuthorityAndTheZonesOwnSoa) {
  auto m = answer(true);
  EXPECT_EQ(judge(m, kMx, "a.test.").kind, Seen::Kind::unknown);
  m.authority = {kSoa};
  const auto absent = judge(m, kMx, "a.test.");
  EXPECT_EQ(absent.kind, Seen::Kind::absent);
  EXPECT_EQ(absent.negative_ttl, 10U);
  m.authoritative = false;
  EXPECT_EQ(judge(m, kMx, "a.test.").kind, Seen::Kind::unknown);
  m.authoritative = true;
  m.authority = {{"test.", "SOA", 30, kSoa.rdata}};
  EXPECT_EQ(judge(m, kMx, "a.test.").kind, Seen::Kind::unknown);
}

TEST(Judge, ErrorsAndReferralsAreUnknown) {
  for (const std::uint8_t rcode :
       {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{4}, std::uint8_t{5}, std::uint8_t{9}}) {
    auto m = answer(true);
    m.rcode = rcode;
    m.authority = {kSoa};
    EXPECT_EQ(judge(m, kMx, "a.test.").kind, Seen::Kind::unknown);
  }
  auto referral = answer(true);
  referral.authority = {{"a.test.", "NS", 30, "ns.b.test."}};
  EXPECT_EQ(judge(referral, kMx, "a.test.").kind, Seen::Kind::unknown);
}

TEST(Judge, PresentIsASortedSetWithItsTtl) {
  auto m = answer(true);
  m.answers = {{"a.test.", "MX", 40, "20 b.test."},
               {"a.test.", "MX", 40, "10 a.test."},
               {"other.test.", "MX", 99, "1 evil.test."}};
  const auto seen = judge(m, kMx, "a.test.");
  EXPECT_EQ(seen.kind, Seen::Kind::present);
  EXPECT_EQ(seen.rdata, (std::vector<std::string>{"10 a.test.", "20 b.test."}));
  EXPECT_EQ(seen.ttl, 40U);
}

TEST(Judge, AliasLoopsEnd) {
  auto m = answer(false);
  m.answers = {{"a.test.", "CNAME", 5, "b.test."}, {"b.test.", "CNAME", 5, "a.test."}};
  EXPECT_EQ(judge(m, kMx, "").kind, Seen::Kind::unknown);
}

View view(const std::string& server, Seen::Kind kind, const std::string& rdata, std::uint32_t ttl) {
  View v;
  v.server = server;
  v.address = {"127.0.0.1", 53};
  v.question = kMx;
  v.seen.kind = kind;
  if (!rdata.empty()) v.seen.rdata = {rdata};
  v.seen.ttl = ttl;
  return v;
}

TEST(Round, OneSilentServerIsUnknownAndOneStaleServerFails) {
  const std::vector<Expected> want = {{kMx, {"10 new.test."}, true, 10U}};
  Round round;
  EXPECT_EQ(check(round, want).verdict, Assertion::Verdict::unknown);
  round.views = {view("ns1.", Seen::Kind::present, "10 NEW.test.", 10),
                 view("ns2.", Seen::Kind::present, "10 new.test.", 10)};
  EXPECT_EQ(check(round, want).verdict, Assertion::Verdict::pass);
  round.views[1] = view("ns2.", Seen::Kind::unknown, "", 0);
  EXPECT_EQ(check(round, want).verdict, Assertion::Verdict::unknown);
  round.views[1] = view("ns2.", Seen::Kind::present, "10 old.test.", 10);
  EXPECT_EQ(check(round, want).verdict, Assertion::Verdict::fail);
  round.views[1] = view("ns2.", Seen::Kind::present, "10 new.test.", 40);
  EXPECT_EQ(check(round, want).verdict, Assertion::Verdict::fail);
  round.views[1] = view("ns2.", Seen::Kind::absent, "", 0);
  EXPECT_EQ(check(round, want).verdict, Assertion::Verdict::fail);
  round.silent = {"ns3."};
  EXPECT_EQ(check(round, want).verdict, Assertion::Verdict::unknown);
}

TEST(Round, LargestTtlCountsTheAlias) {
  Round round;
  round.views = {view("ns1.", Seen::Kind::present, "10 a.", 40),
                 view("ns2.", Seen::Kind::present, "10 a.", 60)};
  round.views[0].seen.alias_ttl = 300;
  EXPECT_EQ(largest_ttl(round, kMx), 300U);
  EXPECT_FALSE(largest_ttl(round, {"x.", "A"}));
}

}  // namespace
}  // namespace mxferry::dns
