// SPDX-License-Identifier: Apache-2.0
// A whole run with everything around it in memory: what is written and in which order, what every
// failure leads to, and that the same command always goes on to the same end.
#include "pipeline/runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using test::FakeWorld;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = RunEnd::Kind;

const std::vector<std::string> kDone = {
    "CNAME autoconfig.alpha.test. 40 new.test.",
    "MX alpha.test. 40 10 mx.new.test.",
    "NS alpha.test. 40 ns1.dns.test. ns2.dns.test.",
    "SRV _imaps._tcp.alpha.test. 10 0 1 993 imap.new.test.",
    "TXT alpha.test. 40 \"foreign=1\" \"new-verification=1\" \"v=spf1 include:new.test -all\"",
    "TXT new._domainkey.alpha.test. 10 \"v=DKIM1; p=AAAA\""};

// The steps that wrote, in their order.
std::vector<std::string> steps_that_wrote(FakeWorld& world) {
  std::vector<std::string> out;
  const auto writes = world.store().dns_writes("alpha.test.");
  for (const auto& write : *writes) out.push_back(write.step.substr(0, write.step.find(':')));
  return out;
}

TEST(Run, AWholePlanRunsToItsEnd) {
  FakeWorld world;
  const auto end = world.run_on();
  ASSERT_EQ(end.kind, Kind::done) << end.why;
  for (const auto& step : world.plan().steps) EXPECT_EQ(world.status(step.id), StepStatus::done);
  EXPECT_EQ(world.zone_lines(), kDone);
  EXPECT_EQ(world.store().run_state().value(), "done");
  EXPECT_FALSE(world.store().broken_link().value());
  EXPECT_TRUE(world.delivered.empty()) << "canaries are removed";
}

TEST(Run, ARunThatWaitsComesToTheSameEndByItself) {
  FakeWorld world;
  const Instant began = world.clock.now();
  const auto end = world.run_waiting();
  ASSERT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_EQ(world.zone_lines(), kDone);
  EXPECT_GE(world.clock.now(), began + world.file.retain_for);
}

TEST(Run, APauseHoldsTheFlipThoughItsGatesOpenMeanwhile) {
  FakeWorld world;
  const auto insert = [&](const char* verb) {
    ASSERT_TRUE(RunStore::insert_control(world.state().db(), world.clock.now(), verb, "{}", "eva"));
  };
  // A server relapses, the flip waits for it, a pause comes, the server is well again.
  enum { before, relapsed, healed, resumed } phase = before;
  Instant since;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (phase != before || step != "flip:alpha.test" || status != StepStatus::running) return;
    phase = relapsed;
    world.servers["ns2.dns.test."].frozen = FakeWorld().zone;
    insert("pause");
  };
  world.at_rest = [&] {
    if (phase == relapsed && world.store().run_state().value() == "paused") {
      phase = healed;
      since = world.clock.now();
      world.servers["ns2.dns.test."].frozen.reset();
    } else if (phase == healed && world.clock.now() > since + std::chrono::minutes(5)) {
      phase = resumed;
      EXPECT_THAT(steps_that_wrote(world), Not(Contains("flip")));
      insert("resume");
    }
  };
  const auto end = world.run_waiting();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_EQ(phase, resumed);
  EXPECT_EQ(world.zone_lines(), kDone);
}

TEST(Run, DnsIsWrittenInTheSafeOrder) {
  FakeWorld world;
  ASSERT_EQ(world.run_on().kind, Kind::done);
  auto steps = steps_that_wrote(world);
  // New names and lowered TTLs need nothing of each other.
  std::sort(steps.begin(), steps.begin() + 2);
  EXPECT_THAT(steps,
              ElementsAre("lower-ttl", "names", "overlap", "flip", "finalize", "restore-ttl"));
  const auto at = [&](const std::string& line) {
    return std::find(world.writes.begin(), world.writes.end(), line) - world.writes.begin();
  };
  const auto lowered = at("MX alpha.test. 10 10 mx.old.test.");
  const auto overlap =
      at("TXT alpha.test. 10 \"foreign=1\" \"new-verification=1\" "
         "\"v=spf1 ip4:192.0.2.1 include:new.test -all\"");
  const auto flip = at("MX alpha.test. 10 10 mx.new.test.");
  const auto restored = at("MX alpha.test. 40 10 mx.new.test.");
  EXPECT_LT(lowered, overlap);
  EXPECT_LT(overlap, flip);
  EXPECT_LT(flip, restored);
  EXPECT_LT(restored, std::ssize(world.writes));
}

TEST(Run, ASecondRunOfAFinishedPlanDoesNothing) {
  FakeWorld world;
  ASSERT_EQ(world.run_on().kind, Kind::done);
  const auto writes = world.writes.size();
  const int calls = world.calls;
  EXPECT_EQ(world.run().kind, Kind::done);
  EXPECT_EQ(world.writes.size(), writes);
  EXPECT_EQ(world.calls, calls);
}

TEST(Run, RetryAtIsTheEarliestTimeAtWhichSomethingIsDue) {
  FakeWorld world;
  const Instant began = world.clock.now();
  const auto end = world.run();
  ASSERT_EQ(end.kind, Kind::waiting);
  ASSERT_TRUE(end.retry_at);
  // The new names wait for the negative TTL (10 s), the flip for the old one (40 s), each + 2 s.
  EXPECT_EQ(*world.not_before("names-visible:alpha.test"), began + Seconds(42));
  EXPECT_EQ(*world.not_before("ttl-wait:alpha.test"), began + Seconds(42));
  EXPECT_EQ(*end.retry_at, began + Seconds(42));
}

// The calls that a run makes to the world, each failed once: network trouble is waited out within
// the run, a refusal ends the run, and the same command comes to the same end. Every step makes
// several calls: each kind of failure takes every fourth.
class EachCallFails : public ::testing::TestWithParam<ErrorCode> {};

TEST_P(EachCallFails, AndTheSameCommandGoesOnToTheSameEnd) {
  const ErrorCode code = GetParam();
  int failed = 0;
  for (int n = 1 + static_cast<int>(code) % 4;; n += 4) {
    FakeWorld world;
    std::string what;
    world.fault = [&](const std::string& call) -> std::optional<Error> {
      if (world.calls != n) return std::nullopt;
      what = call;
      return fail(code, call, "made to fail").error();
    };
    auto end = world.run_on();
    const auto first = end;
    if (what.empty()) break;
    ++failed;
    world.fault = nullptr;
    if (code == ErrorCode::network) {
      EXPECT_EQ(end.kind, Kind::done) << what << ": " << end.why;
    }
    for (int again = 0; end.kind != Kind::done && again < 3; ++again) end = world.run_on();
    EXPECT_EQ(end.kind, Kind::done)
        << "call " << n << " " << what << ", first " << first.why << ", then " << end.why;
    EXPECT_EQ(world.zone_lines(), kDone) << "call " << n << " " << what;
    EXPECT_FALSE(world.store().broken_link().value());
  }
  EXPECT_GT(failed, 20);
}

INSTANTIATE_TEST_SUITE_P(Run, EachCallFails,
                         ::testing::Values(ErrorCode::network, ErrorCode::refused,
                                           ErrorCode::conflict, ErrorCode::auth),
                         [](const auto& p) { return std::string(to_string(p.param)); });

TEST(Run, AWriteWhoseAnswerIsLostIsReadBackAndNotRepeated) {
  FakeWorld world;
  world.lose_answer = []() -> std::optional<Error> {
    return fail(ErrorCode::network, "api apply", "the connection broke").error();
  };
  ASSERT_EQ(world.run_on().kind, Kind::done);
  EXPECT_EQ(world.zone_lines(), kDone);
  EXPECT_EQ(
      std::count(world.writes.begin(), world.writes.end(), "MX alpha.test. 10 10 mx.new.test."), 1);
}

TEST(Run, AMailboxWithAWrongPasswordIsParkedAndHoldsTheFlip) {
  FakeWorld world;
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("MB-01: bert@alpha.test is parked"));
  EXPECT_THAT(end.why, HasSubstr("AUTHENTICATIONFAILED"));
  EXPECT_THAT(end.remedy, HasSubstr("MB-01:bert@alpha.test"));
  EXPECT_EQ(world.status("bulk:bert@alpha.test"), StepStatus::parked);
  EXPECT_EQ(world.status("verify:anna@alpha.test"), StepStatus::done) << "the run goes on";
  EXPECT_NE(world.status("flip:alpha.test"), StepStatus::done);
  EXPECT_EQ(world.copies["bert@alpha.test"], 0);
}

TEST(Run, AParkedMailboxIsTriedOnceARunAndNotAgainInALoop) {
  FakeWorld world;
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
  int logins = 0;
  world.fault = [&](const std::string& call) -> std::optional<Error> {
    if (call == "mail copy") ++logins;
    return std::nullopt;
  };
  ASSERT_EQ(world.run_on().kind, Kind::held);
  logins = 0;
  ASSERT_EQ(world.run().kind, Kind::held);
  EXPECT_EQ(logins, 1) << "bert's bulk copy; anna is done";
}

TEST(Run, AMendedMailboxIsCopiedAndTheSameRunGoesOn) {
  FakeWorld world;
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
  ASSERT_EQ(world.run_on().kind, Kind::held);
  world.broken_mailbox.clear();
  bool gate_waited = true;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step == "gate:alpha.test" && status == StepStatus::running)
      gate_waited = world.status("verify:bert@alpha.test") == StepStatus::done;
  };
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_TRUE(gate_waited) << "MB-01 is asked when the mended mailbox is there";
  EXPECT_GT(world.verifies["bert@alpha.test"], 0);
}

TEST(Run, AnAcceptedMailboxLetsTheFlipThrough) {
  FakeWorld world;
  world.file.accept = {{"MB-01:bert@alpha.test", "left the company"}};
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_EQ(world.zone_lines(), kDone);
  EXPECT_EQ(world.status("verify:bert@alpha.test"), StepStatus::parked);
}

TEST(Run, SomebodyElsesChangeBeforeTheFlipHoldsAndNothingIsWritten) {
  FakeWorld world;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step != "gate:alpha.test" || status != StepStatus::done) return;
    for (auto& set : world.zone.rrsets)
      if (set.type == "MX") set.records = {{"10 mx.third.test."}};
  };
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("somebody else changed it"));
  EXPECT_THAT(end.why, HasSubstr("mx.third.test."));
  EXPECT_THAT(steps_that_wrote(world), Not(Contains("flip")));
  EXPECT_NE(world.zone.find("alpha.test.", "MX"), nullptr);
  EXPECT_EQ(world.zone.find("autoconfig.alpha.test.", "CNAME")->records.at(0).rdata, "old.test.");
}

TEST(Run, AnApprovalIsAskedOfAPersonAndItsPlanHashCounts) {
  FakeWorld world;
  world.file.approve_flip = 1;
  auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::person) << end.why;
  EXPECT_THAT(end.remedy, HasSubstr("mxferry approve"));
  EXPECT_THAT(end.remedy, HasSubstr(world.plan().hash.substr(0, 16)));
  EXPECT_NE(world.status("last:anna@alpha.test"), StepStatus::done);
  ASSERT_TRUE(world.store().approve("another-plan", "flip", "eva", "normal", "ok"));
  EXPECT_EQ(world.run_on().kind, Kind::person);
  ASSERT_TRUE(world.store().approve(world.plan().hash, "flip", "eva", "normal", "ok"));
  end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
}

TEST(Run, APausedRunStartsNothingUntilItIsResumed) {
  FakeWorld world;
  ASSERT_EQ(world.run().kind, Kind::waiting);
  const auto insert = [&](const char* verb) {
    return RunStore::insert_control(world.state().db(), world.clock.now(), verb, "{}", "eva");
  };
  ASSERT_TRUE(insert("pause"));
  const auto writes = world.writes.size();
  world.clock.advance(std::chrono::hours(1));
  const auto end = world.run();
  EXPECT_EQ(end.kind, Kind::person) << "only a person can resume it";
  EXPECT_THAT(end.remedy, HasSubstr("mxferry resume"));
  EXPECT_EQ(world.writes.size(), writes);
  EXPECT_EQ(world.store().run_state().value(), "paused");
  ASSERT_TRUE(insert("resume"));
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

TEST(Run, APauseWithinARunEndsWithTheResume) {
  FakeWorld world;
  bool paused = false;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step != "pilot:anna@alpha.test" || status != StepStatus::done || paused) return;
    paused = true;
    for (const auto* verb : {"pause", "resume"})
      ASSERT_TRUE(
          RunStore::insert_control(world.state().db(), world.clock.now(), verb, "{}", "eva"));
  };
  EXPECT_EQ(world.run_on().kind, Kind::done);
  EXPECT_TRUE(paused);
  EXPECT_THAT(world.notes, Contains(HasSubstr("resumed by eva")));
}

TEST(Run, AStateThatCannotBeWrittenToEndsTheRunBeforeTheWorldIsTouched) {
  FakeWorld world;
  ASSERT_EQ(world.run().kind, Kind::waiting);
  world.clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(world.state().db().run("ALTER TABLE dns_change RENAME TO gone"));
  const auto writes = world.writes.size();
  const auto end = world.run();
  EXPECT_EQ(end.kind, Kind::failed);
  EXPECT_EQ(world.writes.size(), writes);
}

}  // namespace
}  // namespace mxferry::pipeline
