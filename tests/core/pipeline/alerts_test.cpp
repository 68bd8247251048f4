// SPDX-License-Identifier: Apache-2.0
// Alerts: each once for its key, tried again, across runs; one that cannot be sent stops nothing.
#include "pipeline/alerts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/alert_channels.hpp"
#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using std::chrono::minutes;
using test::FakeWorld;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = RunEnd::Kind;

void with_alerts(FakeWorld& world) { world.file.alert.webhook = "http://127.0.0.1:9/"; }

std::vector<std::string> kinds(const FakeWorld& world) {
  std::vector<std::string> out;
  for (const auto& alert : world.alerts) out.push_back(alert.kind + " " + alert.subject);
  return out;
}

std::vector<std::string> finding_ids(FakeWorld& world) {
  std::vector<std::string> out;
  const auto all = world.store().findings();
  for (const auto& f : *all) out.push_back(f.id);
  return out;
}

TEST(Alerts, ARefusedLoginIsToldOnceThoughEachRunMeetsIt) {
  FakeWorld world;
  with_alerts(world);
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
  for (int i = 0; i < 3; ++i) world.run();
  EXPECT_THAT(kinds(world), ElementsAre("auth bert@alpha.test"));
  EXPECT_THAT(world.alerts[0].text, HasSubstr("AUTHENTICATIONFAILED"));
  EXPECT_FALSE(world.alerts[0].remedy.empty());
}

TEST(Alerts, AGateThatWaitsForAPersonIsTold) {
  FakeWorld world;
  with_alerts(world);
  world.file.approve_flip = 1;
  EXPECT_EQ(world.run_on().kind, Kind::person);
  EXPECT_EQ(world.run().kind, Kind::person);
  EXPECT_THAT(kinds(world), ElementsAre("gate approve:alpha.test"));
  EXPECT_THAT(world.alerts[0].remedy, HasSubstr("mxferry approve"));
}

TEST(Alerts, AGateThatHoldsIsTold) {
  FakeWorld world;
  with_alerts(world);
  world.mx_refuses = fail(ErrorCode::refused, "smtp RCPT", "no").error();
  EXPECT_EQ(world.run_on().kind, Kind::held);
  EXPECT_THAT(kinds(world), ElementsAre("gate canary-direct:alpha.test"));
}

TEST(Alerts, ThatCannotBeSentStopNothingAndAreAFindingUntilTheyAre) {
  FakeWorld world;
  with_alerts(world);
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
  world.fault = [](const std::string& what) -> std::optional<Error> {
    if (what != "alert send") return std::nullopt;
    return fail(ErrorCode::network, "webhook", "refused").error();
  };
  world.file.accept.push_back({"MB-01:bert@alpha.test", "left"});
  // A whole run, with the clock moving: there is time for three tries.
  EXPECT_EQ(world.run_waiting().kind, Kind::done);
  EXPECT_THAT(world.alerts, IsEmpty());
  for (int i = 0; i < 3; ++i) world.run();
  EXPECT_THAT(finding_ids(world), Contains("AL-01"));
  world.fault = nullptr;
  world.run();
  EXPECT_THAT(kinds(world), Contains("auth bert@alpha.test"));
  EXPECT_THAT(finding_ids(world), ::testing::Not(Contains("AL-01")));
}

// The receiver has it and our note is missing, as after a kill: sent again, with the same id.
TEST(Alerts, SentAgainTheyCarryTheSameId) {
  FakeWorld world;
  with_alerts(world);
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
  world.run();
  ASSERT_EQ(world.alerts.size(), 1U);
  ASSERT_TRUE(world.state().db().run("UPDATE outbox SET state = 'sending'"));
  world.run();
  ASSERT_EQ(world.alerts.size(), 2U);
  EXPECT_EQ(world.alerts[0].id, world.alerts[1].id);
  EXPECT_EQ(alert_json(world.alerts[0]), alert_json(world.alerts[1]));
  EXPECT_THAT(world.notes, Contains(HasSubstr("it may arrive twice")));
  world.run();
  EXPECT_EQ(world.alerts.size(), 2U);
}

TEST(Alerts, FifteenMinutesWithoutAByteAreToldOnceAndFourteenAreNot) {
  for (const int still : {14, 15}) {
    FakeWorld world;
    with_alerts(world);
    int copies = 0;
    world.during_copy = [&](Env& env) {
      if (++copies > 1) return;
      world.clock.advance(minutes(still));
      for (int looks = 0; looks < 3; ++looks) watch_for_stall(env);
    };
    world.run();
    if (still < 15)
      EXPECT_THAT(world.alerts, IsEmpty());
    else
      EXPECT_THAT(world.alerts, ElementsAre(Field(&Alert::kind, "stalled")));
  }
}

TEST(Alerts, SomebodyElsesChangeOfARecordIsTold) {
  FakeWorld world;
  with_alerts(world);
  world.run_until_done("canary-public:alpha.test");
  ASSERT_EQ(world.status("monitor:alpha.test"), StepStatus::waiting);
  for (auto& set : world.zone.rrsets)
    if (set.type == "MX") set.records = {{"10 mx.third.test."}};
  world.run_on(400);
  ASSERT_THAT(kinds(world), ElementsAre("drift alpha.test. MX"));
  EXPECT_THAT(world.alerts[0].text, HasSubstr("mx.third.test."));
  EXPECT_THAT(finding_ids(world), Contains("DR-01"));
}

TEST(Alerts, NothingIsWrittenWhereThePlanHasNoAlert) {
  FakeWorld world;
  world.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
  world.run();
  EXPECT_EQ(*world.state().db().number("SELECT count(*) FROM outbox"), 0);
}

Alert hostile() {
  Alert out;
  out.id = "id1";
  out.kind = "gate";
  out.migration = "m";
  out.subject = "\x1b]0;x\x07\r\n{\"level\":\"error\"}\xff";
  out.text = "line\nMXFERRY_ALERT_KIND=other";
  return out;
}

TEST(Alerts, WhatTheyCarryIsEscaped) {
  for (const auto& entry : alert_environment(hostile())) {
    EXPECT_EQ(entry.find_first_of("\x1b\n\r\x07"), std::string::npos) << entry;
    EXPECT_TRUE(entry.starts_with("MXFERRY_ALERT_"));
  }
  const auto json = alert_json(hostile());
  EXPECT_EQ(json.find('\x1b'), std::string::npos);
  EXPECT_EQ(json.find('\n'), std::string::npos);
}

TEST(Alerts, TheSignatureIsThatOfTheBody) {
  EXPECT_EQ(webhook_signature(Secret("Jefe"), "what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace mxferry::pipeline
