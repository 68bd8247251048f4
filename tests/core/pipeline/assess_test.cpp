// SPDX-License-Identifier: Apache-2.0
// The step assess and the gate AD-01: what holds a run before anything is written, and again just
// before the flip; the estimate, before and after the pilot.
#include "pipeline/assess.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using std::chrono::days;
using std::chrono::hours;
using test::FakeWorld;
using ::testing::HasSubstr;
using Kind = RunEnd::Kind;

const std::string kAnna = "anna@alpha.test";
const std::string kTeam = "team@alpha.test";
const std::string kGate = "addresses:alpha.test";

std::vector<Finding> found(FakeWorld& world, const std::string& id) {
  std::vector<Finding> out;
  const auto all = world.store().findings();
  for (const auto& f : *all)
    if (f.id == id) out.push_back(f);
  return out;
}

TEST(Assess, AnAddressThatThePlanDoesNotServeHoldsBeforeAnythingIsWritten) {
  FakeWorld world;
  world.mail_for[kAnna] = {{world.clock.now() - days(80), kTeam}, {world.clock.now(), kAnna}};
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held);
  EXPECT_THAT(end.why, HasSubstr("AD-01: mail arrives at team@alpha.test"));
  EXPECT_THAT(end.remedy, HasSubstr("mailboxes.csv"));
  EXPECT_TRUE(world.writes.empty());
  EXPECT_TRUE(world.copies.empty());
  ASSERT_EQ(found(world, "AD-01").size(), 1U);

  // The operator maps it; what was seen is not read again.
  world.file.mailboxes[0].aliases = {kTeam};
  world.fault = [](const std::string& what) -> std::optional<Error> {
    if (what != "mail addresses" && what != "mail inventory") return std::nullopt;
    return fail(ErrorCode::internal, what, "was asked again").error();
  };
  world.run_until_done("assess");
  world.fault = nullptr;
  EXPECT_EQ(world.status("assess"), StepStatus::done) << world.why("assess");
  EXPECT_TRUE(found(world, "AD-01").empty());
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

TEST(Assess, MailOlderThanNinetyDaysDoesNotCount) {
  FakeWorld world;
  world.mail_for[kAnna] = {{world.clock.now() - days(92), kTeam}};
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

TEST(Assess, AnIgnoredAddressPasses) {
  FakeWorld world;
  world.mail_for[kAnna] = {{world.clock.now(), kTeam}};
  world.file.addresses_ignore = {{kTeam, "nobody reads it"}};
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

TEST(Assess, AMailboxThatCannotFitHolds) {
  FakeWorld world;
  MailboxInventory box;
  box.messages = 3;
  box.bytes = 2'000'000'000;
  box.dest_quota.limit = 1'000'000'000;
  world.inventories[kAnna] = box;
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held);
  EXPECT_THAT(end.why, HasSubstr("QU-01"));
  EXPECT_TRUE(world.writes.empty());
  world.file.accept = {{"QU-01:" + kAnna, "half of it will be removed"}};
  EXPECT_EQ(world.run_on().kind, Kind::done);
  EXPECT_EQ(found(world, "QU-01").at(0).accepted, "half of it will be removed");
}

TEST(Assess, ACatchAllOnTheOldSideIsFoundAndUnknownIsNoPass) {
  FakeWorld sound;
  EXPECT_EQ(sound.run_on().kind, Kind::done);
  EXPECT_TRUE(found(sound, "AD-02").empty());
  FakeWorld open;
  open.old_mx_reply = {250, "2.1.5 welcome"};
  open.run_on();
  ASSERT_EQ(found(open, "AD-02").size(), 1U);
  EXPECT_THAT(found(open, "AD-02")[0].text, HasSubstr("takes mail for an address that nobody has"));
  FakeWorld grey;
  grey.old_mx_reply = {450, "4.7.1 later"};
  grey.run_on();
  ASSERT_EQ(found(grey, "AD-02").size(), 1U);
  EXPECT_THAT(found(grey, "AD-02")[0].text, HasSubstr("could not be found out"));
}

TEST(AddressGate, AnAddressFirstSeenAfterAssessHoldsTheFlipUntilItIsWaivedByName) {
  FakeWorld world;
  bool arrived = false;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step != "approve:alpha.test" || status != StepStatus::done || arrived) return;
    arrived = true;
    world.mail_for[kAnna].emplace_back(world.clock.now(), kTeam);
  };
  auto end = world.run_on();
  ASSERT_TRUE(arrived);
  EXPECT_EQ(end.kind, Kind::held);
  EXPECT_THAT(end.why, HasSubstr("AD-01: mail arrives at team@alpha.test"));
  EXPECT_THAT(end.remedy, HasSubstr("\"AD-01:team@alpha.test\""));
  EXPECT_EQ(world.status(kGate), StepStatus::waiting);
  EXPECT_EQ(world.status("flip:alpha.test"), StepStatus::pending);
  EXPECT_TRUE(std::none_of(world.writes.begin(), world.writes.end(), [](const std::string& w) {
    return w.find("MX alpha.test. 10 10 mx.new") != std::string::npos;
  }));
  EXPECT_EQ(world.run_on().kind, Kind::held) << "again: the same answer";

  world.file.accept = {{"AD-01", "all of them"}};
  EXPECT_EQ(world.run_on().kind, Kind::held) << "not by the id alone";
  world.file.accept = {{"AD-01:" + kTeam, "an old list"}};
  end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  ASSERT_EQ(found(world, "AD-01").size(), 1U);
  EXPECT_EQ(found(world, "AD-01")[0].accepted, "an old list");
}

TEST(AddressGate, AMailboxThatCannotBeReadHoldsAndTroubleOfTheNetworkIsTriedAgain) {
  FakeWorld world;
  int tries = 0;
  bool broken = false;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step == "gate:alpha.test" && status == StepStatus::done) broken = true;
  };
  world.fault = [&](const std::string& what) -> std::optional<Error> {
    if (!broken || what != "mail addresses") return std::nullopt;
    ++tries;
    return fail(tries < 3 ? ErrorCode::timeout : ErrorCode::auth, what, "no").error();
  };
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held);
  EXPECT_THAT(end.why, HasSubstr("cannot be seen"));
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(world.status("flip:alpha.test"), StepStatus::pending);
  world.fault = nullptr;
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

Json estimate(FakeWorld& world) {
  const auto rows = world.store().latest("estimate");
  return parse_json(rows->at("alpha").second, "test").value();
}

TEST(Estimate, IsAssumedAtFirstAndMeasuredAfterThePilot) {
  FakeWorld world;
  for (const auto* address : {"anna@alpha.test", "bert@alpha.test"}) {
    MailboxInventory box;
    box.messages = 3000;
    box.bytes = 1'000'000;
    world.inventories[address] = box;
  }
  bool seen = false;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step == "assess" && status == StepStatus::done) {
      seen = true;
      const auto first = estimate(world);
      EXPECT_EQ(first["basis"], "assumed");
      EXPECT_EQ(first["messages"], 6000);
    }
  };
  // Three messages in six seconds.
  world.fault = [&](const std::string& what) -> std::optional<Error> {
    if (what == "mail copy") world.clock.advance(std::chrono::seconds(6));
    return std::nullopt;
  };
  EXPECT_EQ(world.run_on().kind, Kind::done);
  EXPECT_TRUE(seen);
  const auto last = estimate(world);
  EXPECT_EQ(last["basis"], "measured");
  // 3000 messages at 0.5 a second, both mailboxes at once: 6000 s, taken as 85 to 125 %.
  EXPECT_EQ(last["least_ms"], 4'800'000);
  EXPECT_EQ(last["most_ms"], 7'058'824);
}

}  // namespace
}  // namespace mxferry::pipeline
