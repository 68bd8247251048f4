// SPDX-License-Identifier: Apache-2.0
// The policy that a person serves, and the gate MTA-STS/DANE: crossed too early or with one fact
// wrong it refuses with the right id; in order it lets the flip through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "protocol/dns/mta_sts.hpp"
#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::FakeWorld;
using test::rrset;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = RunEnd::Kind;

const std::string kApex = "alpha.test.";
const std::string kFlip = "flip:alpha.test";
const std::string kOldPolicy =
    "version: STSv1\r\nmode: enforce\r\nmx: mx.old.test\r\nmax_age: 604800\r\n";

bool has_flipped(FakeWorld& world) {
  return world.zone.find(kApex, "MX")->records.at(0).rdata == "10 mx.new.test.";
}

// An enforced domain. `person` serves what the run asks for, as soon as it asks.
class Sts : public ::testing::Test {
 protected:
  Sts() {
    world.zone.rrsets.push_back(
        rrset("_mta-sts." + kApex, "TXT", 40, {"\"v=STSv1; id=20260101;\""}));
    world.served_policy = kOldPolicy;
    world.file.mta_sts_hold = hours(24);
    world.at_step = [this](const std::string& step, StepStatus status) {
      if (!has_person || status != StepStatus::waiting || !step.starts_with("sts-policy")) return;
      world.served_policy = std::get<ManualAction>(world.plan().find(step)->action).text;
    };
  }
  std::string overlap() {
    return std::get<ManualAction>(world.plan().find("sts-policy:alpha.test")->action).text;
  }
  // The whole run, which waits as a person would let it.
  RunEnd run() { return world.run_waiting(); }
  FakeWorld world;
  bool has_person = true;
};

TEST_F(Sts, InOrderTheFlipIsLetThroughAndThePolicyEndsWithTheNewHostsAlone) {
  std::string at_flip;
  Instant id_out{};
  Instant flipped{};
  const auto person = world.at_step;
  world.at_step = [&](const std::string& step, StepStatus status) {
    person(step, status);
    if (status == StepStatus::done && step == "sts-id:alpha.test") id_out = world.clock.now();
    if (status != StepStatus::running || step != kFlip) return;
    at_flip = world.served_policy;
    flipped = world.clock.now();
  };
  const auto end = run();
  ASSERT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_TRUE(has_flipped(world));
  EXPECT_EQ(at_flip,
            "version: STSv1\r\nmode: enforce\r\nmx: mx.old.test\r\nmx: mx.new.test\r\nmax_age: "
            "604800\r\n");
  EXPECT_EQ(world.served_policy,
            "version: STSv1\r\nmode: enforce\r\nmx: mx.new.test\r\nmax_age: 604800\r\n");
  EXPECT_GE(flipped - id_out, hours(24) + seconds(10)) << "the TXT's TTL, and then the hold";
  const auto& txt = world.zone.find("_mta-sts." + kApex, "TXT")->records.at(0).rdata;
  EXPECT_THAT(txt, Not(HasSubstr("20260101")));
  EXPECT_TRUE(dns::sts_record_id(txt.substr(1, txt.size() - 2))) << txt;
}

TEST_F(Sts, WithoutThePersonNothingIsFlippedAndNoWaitEndsAsAPersonIsNeeded) {
  has_person = false;
  const auto end = world.run_on(200);
  EXPECT_EQ(end.kind, Kind::person) << end.why;
  EXPECT_THAT(end.why, HasSubstr("https://mta-sts.alpha.test/.well-known/mta-sts.txt"));
  EXPECT_FALSE(has_flipped(world));
  EXPECT_THAT(world.notes, Contains("    mx: mx.new.test")) << "the file is shown";
  EXPECT_EQ(world.zone.find("_mta-sts." + kApex, "TXT")->records.at(0).rdata,
            "\"v=STSv1; id=20260101;\"")
      << "the id may not change before the file";
}

TEST_F(Sts, APolicyThatListsOnlyTheNewHostsIsNotTheOneAskedFor) {
  has_person = false;
  world.plan();
  world.served_policy = "version: STSv1\nmode: enforce\nmx: mx.new.test\nmax_age: 604800\n";
  EXPECT_EQ(world.run_on(200).kind, Kind::person);
  EXPECT_FALSE(has_flipped(world));
  // The same with LF, another order of hosts: equal.
  world.served_policy =
      "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: mx.new.test\nmx: mx.old.test\n";
  world.run();
  EXPECT_EQ(world.status("sts-policy:alpha.test"), StepStatus::done);
}

TEST_F(Sts, TheHoldIsWaitedOutAfterTheIdIsVisible) {
  world.run_until_done("visible:alpha.test");
  ASSERT_EQ(world.status("visible:alpha.test"), StepStatus::done);
  world.clock.advance(hours(23));
  const auto end = world.run();
  EXPECT_EQ(end.kind, Kind::waiting);
  EXPECT_EQ(world.status("sts-hold:alpha.test"), StepStatus::waiting);
  EXPECT_FALSE(has_flipped(world));
}

TEST_F(Sts, APolicyTakenBackBeforeTheFlipHoldsItAndTheFileIsShown) {
  const auto person = world.at_step;
  world.at_step = [&](const std::string& step, StepStatus status) {
    person(step, status);
    if (step == "canary-direct:alpha.test" && status == StepStatus::done)
      world.served_policy = kOldPolicy;
  };
  world.notes.clear();
  const auto end = run();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("ST-04"));
  EXPECT_THAT(end.why, HasSubstr("does not list mx.new.test"));
  EXPECT_THAT(end.remedy, HasSubstr("cannot be accepted"));
  EXPECT_THAT(world.notes, Contains("    mx: mx.new.test"));
  EXPECT_FALSE(has_flipped(world));
  world.served_policy = overlap();
  world.at_step = person;
  EXPECT_EQ(run().kind, Kind::done);
}

TEST_F(Sts, AWaiverForAPolicyThatDoesNotListTheHostDoesNotApply) {
  world.file.accept.push_back({"ST-04", "never mind"});
  const auto person = world.at_step;
  world.at_step = [&](const std::string& step, StepStatus status) {
    person(step, status);
    if (step == "canary-direct:alpha.test" && status == StepStatus::done) world.served_policy = "";
  };
  const auto end = run();
  EXPECT_EQ(end.kind, Kind::held);
  EXPECT_THAT(end.why, HasSubstr("ST-04"));
  EXPECT_FALSE(has_flipped(world));
}

TEST_F(Sts, AnIdThatSomebodyChangedHoldsTheFlip) {
  const auto person = world.at_step;
  world.at_step = [&](const std::string& step, StepStatus status) {
    person(step, status);
    if (step != "canary-direct:alpha.test" || status != StepStatus::done) return;
    world.servers["ns2.dns.test."].frozen = world.zone;
    for (auto& set : world.servers["ns2.dns.test."].frozen->rrsets)
      if (set.name == "_mta-sts." + kApex) set.records.at(0).rdata = "\"v=STSv1; id=other;\"";
  };
  const auto end = run();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("ST-04: ns2.dns.test. serves another MTA-STS id"));
  EXPECT_FALSE(has_flipped(world));
}

TEST_F(Sts, UnderAnEnforcedPolicyTheCertificateMustProveTheName) {
  world.mx_tls["127.0.0.20"] = {true, "self-signed certificate"};
  auto end = run();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("ST-07: mx.new.test (127.0.0.20)"));
  EXPECT_THAT(end.remedy, HasSubstr("accept \"ST-07:mx.new.test\""));
  EXPECT_FALSE(has_flipped(world));
  world.mx_tls.clear();
  end = run();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
}

TEST(TransportGate, WithoutAPolicyASelfSignedCertificateIsNoObstacle) {
  FakeWorld world;
  world.mx_tls["127.0.0.20"] = {true, "self-signed certificate"};
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
}

TEST(TransportGate, AHostWithoutStarttlsHoldsUnlessItIsAcceptedByName) {
  for (const auto* id : {"", "TL-01", "TL-01:mx.old.test", "TL-01:mx.new.test"}) {
    FakeWorld world;
    world.mx_tls["127.0.0.20"] = {false, ""};
    if (*id != '\0') world.file.accept.push_back({id, "an internal relay"});
    const auto end = world.run_on();
    if (std::string(id) != "TL-01:mx.new.test") {
      EXPECT_EQ(end.kind, Kind::held) << id;
      EXPECT_THAT(end.why, HasSubstr("TL-01: mx.new.test (127.0.0.20) offers no STARTTLS"));
      EXPECT_FALSE(has_flipped(world));
      continue;
    }
    EXPECT_EQ(end.kind, Kind::done) << end.why;
    EXPECT_TRUE(has_flipped(world));
    const auto waivers = world.store().observations("waiver", id);
    ASSERT_EQ(waivers->size(), 1U) << "journalled once, though the gate was asked twice";
    EXPECT_THAT(waivers->front().second, HasSubstr("an internal relay"));
    const auto findings = world.store().findings();
    EXPECT_TRUE(std::any_of(findings->begin(), findings->end(), [&](const Finding& f) {
      return f.id == id && f.accepted == "an internal relay";
    }));
  }
}

dns::Seen tlsa(bool authentic) {
  dns::Seen seen;
  seen.kind = dns::Seen::Kind::present;
  seen.rdata = {"3 1 1 aa"};
  seen.authentic = authentic;
  return seen;
}

TEST(TransportGate, SecureTlsaThatDoesNotMatchHolds) {
  FakeWorld world;
  world.tlsa["_25._tcp.mx.new.test."] = tlsa(true);
  world.mx_dane_problem["127.0.0.20"] = "no TLSA record matches";
  auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("DA-01: mx.new.test (127.0.0.20) does not match"));
  EXPECT_FALSE(has_flipped(world));
  world.mx_dane_problem.clear();
  end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
}

TEST(TransportGate, TlsaThatNoResolverProvesIsNotUsed) {
  FakeWorld world;
  world.tlsa["_25._tcp.mx.new.test."] = tlsa(false);
  world.mx_dane_problem["127.0.0.20"] = "no TLSA record matches";
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

TEST(TransportGate, TlsaThatCannotBeReadHoldsAndIsNeverTakenForNone) {
  FakeWorld world;
  world.fault = [](const std::string& call) -> std::optional<Error> {
    if (call != "eyes lookup") return std::nullopt;
    return fail(ErrorCode::network, "look up", "SERVFAIL").error();
  };
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("DA-01"));
  EXPECT_FALSE(has_flipped(world));
}

TEST(TransportGate, AnMxWhoseTlsIsNotKnownHolds) {
  FakeWorld world;
  world.fault = [](const std::string& call) -> std::optional<Error> {
    if (call != "mx tls") return std::nullopt;
    return fail(ErrorCode::timeout, "smtp", "no reply within 60 s").error();
  };
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("TL-01"));
  EXPECT_FALSE(has_flipped(world));
}

TEST(TransportGate, IsAskedAgainJustBeforeTheFlip) {
  FakeWorld world;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step == kFlip && status == StepStatus::running) world.mx_tls["127.0.0.20"] = {false, ""};
  };
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("TL-01"));
  EXPECT_FALSE(has_flipped(world));
}

}  // namespace
}  // namespace mxferry::pipeline
