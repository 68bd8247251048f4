// SPDX-License-Identifier: Apache-2.0
// The gates before the flip, and the way back: what opens them, what never does, and what retry_at
// says. The old TTL is 40 s, the lowered one 10 s, a negative answer lives 10 s.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::FakeWorld;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = RunEnd::Kind;

const std::string kTtlGate = "ttl-wait:alpha.test";
const std::string kVisible = "visible:alpha.test";
const std::string kFlip = "flip:alpha.test";
const std::string kApex = "alpha.test.";

std::vector<std::string> steps_that_wrote(FakeWorld& world) {
  std::vector<std::string> out;
  const auto writes = world.store().dns_writes(kApex);
  for (const auto& write : *writes) out.push_back(write.step.substr(0, write.step.find(':')));
  return out;
}

// The servers' zone as it was before anything was written.
ZoneSnapshot old_zone() { return FakeWorld().zone; }

TEST(TtlGate, OpensAtTheLargestSeenTtlAndTwoSecondsAndNotBefore) {
  FakeWorld world;
  const Instant lowered = world.clock.now();
  auto end = world.run();
  ASSERT_EQ(end.kind, Kind::waiting);
  EXPECT_EQ(world.not_before(kTtlGate), lowered + seconds(42));
  world.clock.advance(seconds(40));
  end = world.run();
  EXPECT_EQ(end.kind, Kind::waiting);
  EXPECT_EQ(*end.retry_at, lowered + seconds(42)) << "asking early moves nothing";
  EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting);
  EXPECT_THAT(steps_that_wrote(world), Not(Contains("overlap")));
  world.clock.advance(seconds(2));
  world.run();
  EXPECT_EQ(world.status(kTtlGate), StepStatus::done);
  EXPECT_THAT(steps_that_wrote(world), Contains("overlap"));
}

TEST(TtlGate, ALargerTtlOnOneServerCountsThoughTheApiShowsLess) {
  FakeWorld world;
  world.servers["ns2.dns.test."].frozen = world.zone;
  for (auto& set : world.servers["ns2.dns.test."].frozen->rrsets)
    if (set.type == "MX") set.ttl = 300;
  world.run();
  world.servers["ns2.dns.test."].frozen.reset();
  const Instant everywhere = world.clock.now();
  world.run();
  EXPECT_EQ(world.not_before(kTtlGate), everywhere + seconds(302));
}

TEST(TtlGate, ASecondaryThatKeepsTheOldTtlMovesRetryAt) {
  FakeWorld world;
  world.servers["ns2.dns.test."].frozen = world.zone;
  ASSERT_EQ(world.run().kind, Kind::waiting);
  const auto first = *world.not_before(kTtlGate);
  EXPECT_EQ(first, world.clock.now() + seconds(42));
  EXPECT_THAT(world.why(kTtlGate), HasSubstr("ns2.dns.test."));
  world.clock.advance(seconds(30));
  ASSERT_EQ(world.run().kind, Kind::waiting);
  EXPECT_EQ(world.not_before(kTtlGate), first + seconds(30)) << "nothing has been waited yet";
  world.servers["ns2.dns.test."].frozen.reset();
  const Instant transferred = world.clock.now();
  ASSERT_EQ(world.run().kind, Kind::waiting);
  world.clock.advance(seconds(41));
  world.run();
  EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting);
  EXPECT_EQ(world.not_before(kTtlGate), transferred + seconds(42));
  world.clock.advance(seconds(1));
  world.run();
  EXPECT_EQ(world.status(kTtlGate), StepStatus::done);
}

TEST(TtlGate, OneServerThatRelapsesStartsTheWaitAnew) {
  FakeWorld world;
  ASSERT_EQ(world.run().kind, Kind::waiting);
  world.clock.advance(seconds(30));
  world.servers["ns1.dns.test."].frozen = old_zone();
  world.run();
  world.servers["ns1.dns.test."].frozen.reset();
  const Instant again = world.clock.now();
  world.run();
  world.clock.advance(seconds(12));
  world.run();
  EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting)
      << "42 s since the first round do not count";
  EXPECT_EQ(world.not_before(kTtlGate), again + seconds(42));
}

TEST(TtlGate, AServerThatRelapsesJustBeforeTheFlipStartsTheWaitAnew) {
  FakeWorld world;
  bool relapsed = false;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step != "gate:alpha.test" || status != StepStatus::done || relapsed) return;
    relapsed = true;
    world.servers["ns2.dns.test."].frozen = old_zone();
  };
  world.run_until_done("gate:alpha.test");
  ASSERT_TRUE(relapsed);
  EXPECT_NE(world.status(kFlip), StepStatus::done);
  EXPECT_THAT(steps_that_wrote(world), Not(Contains("flip")));
  world.servers["ns2.dns.test."].frozen.reset();
  const Instant healed = world.clock.now();
  world.run();
  EXPECT_THAT(steps_that_wrote(world), Not(Contains("flip")));
  world.clock.advance(seconds(41));
  world.run();
  EXPECT_THAT(steps_that_wrote(world), Not(Contains("flip")));
  EXPECT_EQ(world.run_on().kind, Kind::done);
  const auto flipped = world.store().done_at(kFlip);
  EXPECT_GE(**flipped, healed + seconds(42));
}

TEST(TtlGate, ASilentServerHoldsHoweverLong) {
  FakeWorld world;
  world.run();
  world.servers["ns2.dns.test."].silent = true;
  for (int i = 0; i < 5; ++i) {
    world.clock.advance(hours(1));
    const auto end = world.run();
    EXPECT_EQ(end.kind, Kind::waiting);
    EXPECT_GT(*end.retry_at, world.clock.now());
    EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting);
    EXPECT_THAT(world.why(kTtlGate), HasSubstr("ns2.dns.test."));
  }
  world.servers["ns2.dns.test."].silent = false;
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

TEST(TtlGate, AStepOfTheWallClockOpensNothing) {
  FakeWorld world;
  ASSERT_EQ(world.run().kind, Kind::waiting);
  world.clock.step_wall(hours(24));
  const auto end = world.run();
  EXPECT_EQ(end.kind, Kind::waiting);
  EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting);
  EXPECT_EQ(*world.not_before(kTtlGate), world.clock.now() + seconds(42));
}

TEST(TtlGate, TimeWhileTheMachineWasOffCountsNothing) {
  FakeWorld world;
  ASSERT_EQ(world.run().kind, Kind::waiting);
  world.clock.advance(seconds(20));
  ASSERT_EQ(world.run().kind, Kind::waiting);  // writes its progress down
  world.clock.reboot("boot-2", hours(5));
  const auto end = world.run();
  EXPECT_EQ(end.kind, Kind::waiting);
  EXPECT_EQ(*world.not_before(kTtlGate), world.clock.now() + seconds(22));
}

TEST(TtlGate, AResolverThatShowsMoreThanTheLoweredTtlHolds) {
  FakeWorld world;
  world.resolvers["r1"] = {};
  world.run();
  // It has the old answer from a server that nobody of us saw: 60 s are left at the gate's time.
  world.clock.advance(seconds(42));
  world.resolvers["r1"].cache[kApex + "/MX"] = {
      {dns::Seen::Kind::present, {"10 mx.old.test."}, 60, {}, 0, {}, {}, false, false},
      world.clock.now() + seconds(60)};
  auto end = world.run();
  EXPECT_EQ(end.kind, Kind::waiting);
  EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting);
  EXPECT_THAT(world.why(kTtlGate), HasSubstr("resolver r1 still holds alpha.test. MX for 60 s"));
  EXPECT_EQ(*world.not_before(kTtlGate), world.clock.now() + seconds(62));
  world.clock.step_wall(hours(24));
  world.resolvers["r1"].cache[kApex + "/MX"].until += hours(24);
  world.run();
  EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting) << "a step of the clock opens nothing";
  world.clock.advance(seconds(62));
  world.run();
  EXPECT_EQ(world.status(kTtlGate), StepStatus::done);
}

TEST(TtlGate, AResolverWithAFloorOfItsOwnHoldsOnceAndNotForEver) {
  FakeWorld world;
  world.resolvers["r1"].floor = 60;
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
}

TEST(TtlGate, AnOldAnswerAfterARelapseIsWaitedForThoughOneWasMetBefore) {
  FakeWorld world;
  world.resolvers["r1"] = {};
  const auto poison = [&] {
    world.resolvers["r1"].cache[kApex + "/MX"] = {
        {dns::Seen::Kind::present, {"10 mx.old.test."}, 60, {}, 0, {}, {}, false, false},
        world.clock.now() + seconds(60)};
  };
  world.run();
  world.clock.advance(seconds(42));
  poison();
  world.run();
  world.clock.advance(seconds(30));
  world.servers["ns1.dns.test."].frozen = old_zone();
  world.run();
  world.servers["ns1.dns.test."].frozen.reset();
  world.run();
  world.clock.advance(seconds(42));
  poison();
  world.run();
  EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting);
}

TEST(TtlGate, ASilentResolverHolds) {
  FakeWorld world;
  world.resolvers["r1"].silent = true;
  world.run();
  world.clock.advance(seconds(42));
  const auto end = world.run();
  EXPECT_EQ(end.kind, Kind::waiting);
  EXPECT_EQ(world.status(kTtlGate), StepStatus::waiting);
  EXPECT_THAT(world.why(kTtlGate), HasSubstr("r1"));
  world.resolvers["r1"].silent = false;
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

TEST(TtlGate, TheFloorOfTheDnsApiIsTheLoweredTtl) {
  FakeWorld world;
  world.api_floor = 20;
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_THAT(world.writes, Contains("MX alpha.test. 20 10 mx.old.test."));
}

TEST(VisibleGate, WaitsForTheTtlThatTheSetHadBeforeTheWrite) {
  FakeWorld world;
  world.run_until_done("overlap:alpha.test");
  const Instant written = world.clock.now();
  EXPECT_EQ(world.status(kVisible), StepStatus::waiting);
  EXPECT_EQ(world.not_before(kVisible), written + seconds(12));
  world.clock.advance(seconds(11));
  world.run();
  EXPECT_EQ(world.status(kVisible), StepStatus::waiting);
  world.clock.advance(seconds(1));
  world.run();
  EXPECT_EQ(world.status(kVisible), StepStatus::done);
}

TEST(VisibleGate, AServerWithoutTheNewDataHoldsAndStartsItAnew) {
  FakeWorld world;
  world.at_step = [&](const std::string& step, StepStatus status) {
    // The secondary stays at the zone before the overlap.
    if (step == "overlap:alpha.test" && status == StepStatus::running)
      world.servers["ns2.dns.test."].frozen = world.zone;
  };
  world.run_until_done("overlap:alpha.test");
  for (int i = 0; i < 3; ++i) {
    world.clock.advance(hours(1));
    world.run();
    EXPECT_EQ(world.status(kVisible), StepStatus::waiting);
    EXPECT_THAT(world.why(kVisible), HasSubstr("ns2.dns.test."));
  }
  world.servers["ns2.dns.test."].frozen.reset();
  world.run();
  EXPECT_EQ(world.not_before(kVisible), world.clock.now() + seconds(12));
  EXPECT_NE(world.status(kFlip), StepStatus::done);
}

TEST(Canary, OneThatIsNotFoundHoldsTheFlip) {
  FakeWorld world;
  world.mx_swallows = true;
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("did not reach anna@alpha.test"));
  EXPECT_THAT(steps_that_wrote(world), Not(Contains("flip")));
  EXPECT_EQ(world.canaries_sent, 1);
}

TEST(Canary, AnMxThatRefusesTheMailboxHoldsTheFlip) {
  FakeWorld world;
  world.mx_refuses = fail(ErrorCode::refused, "smtp RCPT TO", "550 no such user").error();
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("550 no such user"));
  EXPECT_THAT(steps_that_wrote(world), Not(Contains("flip")));
}

TEST(Canary, ALoopbackMxOutsideOfALabHoldsTheFlip) {
  FakeWorld world;
  world.file.allow_loopback = false;
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("MX-03"));
}

TEST(Converge, AResolverWithTheOldMxIsWaitedFor) {
  FakeWorld world;
  world.resolvers["r1"] = {};
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step == kFlip && status == StepStatus::running) world.prime(kApex, "MX");
  };
  world.run_until_done(kFlip);
  EXPECT_EQ(world.resolve("r1", kApex, "MX").rdata, std::vector<std::string>{"10 mx.old.test."});
  EXPECT_EQ(world.status("converge:alpha.test"), StepStatus::waiting);
  EXPECT_EQ(world.run_on().kind, Kind::done);
  EXPECT_GE(**world.store().done_at("converge:alpha.test"),
            **world.store().done_at(kFlip) + seconds(10));
}

class Rollback : public ::testing::Test {
 protected:
  void flip() {
    world.run_until_done("canary-public:alpha.test");
    ASSERT_EQ(world.status(kFlip), StepStatus::done);
  }
  std::string mx() const {
    const auto* set = world.zone.find(kApex, "MX");
    return std::to_string(set->ttl) + " " + set->records.at(0).rdata;
  }
  FakeWorld world;
};

TEST_F(Rollback, WithoutAFlipThereIsNothingToRollBack) {
  world.run();
  const auto writes = world.writes.size();
  const auto result = world.roll_back();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_FALSE(result->flipped);
  EXPECT_EQ(world.writes.size(), writes);
}

TEST_F(Rollback, MxAndClientRecordsComeBackAtTheLoweredTtlAndSpfKeepsBoth) {
  flip();
  const Instant began = world.clock.now();
  const auto result = world.roll_back();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(result->flipped);
  EXPECT_EQ(mx(), "10 10 mx.old.test.");
  EXPECT_EQ(world.zone.find("_imaps._tcp.alpha.test.", "SRV"), nullptr);
  EXPECT_THAT(world.zone_lines(),
              Contains("TXT alpha.test. 10 \"foreign=1\" \"new-verification=1\" "
                       "\"v=spf1 ip4:192.0.2.1 include:new.test -all\""));
  EXPECT_NE(world.zone.find("new._domainkey.alpha.test.", "TXT"), nullptr);
  EXPECT_GE(world.clock.now(), began + seconds(12)) << "until no cache holds the new MX";
  EXPECT_EQ(world.status(kFlip), StepStatus::undone);
}

TEST_F(Rollback, IsRefusedWhenTheOldMailServerIsDead) {
  flip();
  const auto writes = world.writes.size();
  world.old_mx_dead = true;
  auto result = world.roll_back(true);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::gate);
  EXPECT_THAT(result.error().message(), HasSubstr("not proven alive"));
  world.old_mx_dead = false;
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::network;
  result = world.roll_back(true);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::gate);
  EXPECT_EQ(world.writes.size(), writes);
}

TEST_F(Rollback, MailThatArrivedOnTheNewSideNeedsTheOperatorsWord) {
  flip();
  const auto writes = world.writes.size();
  world.arrived["bert@alpha.test"] = {{"bert@alpha.test", "INBOX", 9, "ab"}};
  auto result = world.roll_back();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::gate);
  EXPECT_THAT(result.error().remedy, HasSubstr("--strand-new-mail"));
  EXPECT_EQ(world.writes.size(), writes);
  result = world.roll_back(true);
  ASSERT_TRUE(result) << result.error().message();
  ASSERT_EQ(result->stranded.size(), 1U);
  EXPECT_EQ(result->stranded[0].uid, 9U);
  EXPECT_EQ(mx(), "10 10 mx.old.test.");
}

TEST_F(Rollback, ASecondOneWritesNothing) {
  flip();
  ASSERT_TRUE(world.roll_back());
  const auto writes = world.writes.size();
  const auto again = world.roll_back();
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->changes, 0U);
  EXPECT_EQ(world.writes.size(), writes);
}

TEST_F(Rollback, AfterFinalizeSpfOfBothIsSeenBeforeMxGoesBack) {
  ASSERT_EQ(world.run_on().kind, Kind::done);
  EXPECT_EQ(mx(), "40 10 mx.new.test.");
  const auto before = static_cast<std::ptrdiff_t>(world.writes.size());
  std::map<std::string, Instant> at;
  world.fault = [&](const std::string& call) -> std::optional<Error> {
    if (call == "api apply") at.emplace("apply " + std::to_string(at.size()), world.clock.now());
    return std::nullopt;
  };
  const auto result = world.roll_back();
  ASSERT_TRUE(result) << result.error().message();
  const std::vector<std::string> written(world.writes.begin() + before, world.writes.end());
  EXPECT_THAT(written, ElementsAre("TXT alpha.test. 40 \"foreign=1\" \"new-verification=1\" "
                                   "\"v=spf1 ip4:192.0.2.1 include:new.test -all\"",
                                   "MX alpha.test. 10 10 mx.old.test.",
                                   "CNAME autoconfig.alpha.test. 10 old.test.",
                                   "- SRV _imaps._tcp.alpha.test."));
  ASSERT_EQ(at.size(), 2U);
  EXPECT_GE(at["apply 1"] - at["apply 0"], seconds(42)) << "the SPF set's TTL was 40 s again";
}

TEST_F(Rollback, SomebodyElsesMxIsNotWrittenOver) {
  flip();
  for (auto& set : world.zone.rrsets)
    if (set.type == "MX") set.records = {{"10 mx.third.test."}};
  const auto result = world.roll_back();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::conflict);
  EXPECT_EQ(mx(), "10 10 mx.third.test.");
}

}  // namespace
}  // namespace mxferry::pipeline
