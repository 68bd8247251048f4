// SPDX-License-Identifier: Apache-2.0
// What each gate makes `mxferry run` end with when it is crossed too early or with one fact wrong:
// its id, the documented exit code, and no flip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/run_command.hpp"
#include "support/fake_world.hpp"

namespace mxferry::app {
namespace {

using pipeline::RunEnd;
using test::FakeWorld;
using ::testing::HasSubstr;

struct Wrong {
  const char* name;
  const char* id;  // stands in the words
  Exit exit;
  void (*make)(FakeWorld&);
  RunEnd (*run)(FakeWorld&) = [](FakeWorld& w) { return w.run_on(200); };
};

void flipped_too_early(FakeWorld&) {}

const Wrong kWrong[] = {
    {"ttl", "not before", Exit::waiting, flipped_too_early, [](FakeWorld& w) { return w.run(); }},
    {"address", "AD-01", Exit::refused,
     [](FakeWorld& w) {
       w.mail_for["anna@alpha.test"] = {{w.clock.now(), "team@alpha.test"}};
     }},
    {"quota", "QU-01", Exit::refused,
     [](FakeWorld& w) {
       MailboxInventory box;
       box.messages = 3;
       box.bytes = 2'000'000'000;
       box.dest_quota.limit = 1'000'000'000;
       w.inventories["anna@alpha.test"] = box;
     }},
    {"mailbox", "MB-01", Exit::refused,
     [](FakeWorld& w) { w.broken_mailbox["bert@alpha.test"] = ErrorCode::auth; }},
    {"canary", "did not reach", Exit::refused, [](FakeWorld& w) { w.mx_swallows = true; }},
    {"loopback", "MX-03", Exit::refused, [](FakeWorld& w) { w.file.allow_loopback = false; }},
    {"starttls", "TL-01", Exit::refused,
     [](FakeWorld& w) {
       w.mx_tls["127.0.0.20"] = {false, ""};
     }},
    {"dane", "DA-01", Exit::refused,
     [](FakeWorld& w) {
       dns::Seen seen;
       seen.kind = dns::Seen::Kind::present;
       seen.rdata = {"3 1 1 aa"};
       seen.authentic = true;
       w.tlsa["_25._tcp.mx.new.test."] = seen;
       w.mx_dane_problem["127.0.0.20"] = "no TLSA record matches";
     }},
    {"policy", "mta-sts.txt", Exit::person,
     [](FakeWorld& w) {
       w.zone.rrsets.push_back(
           test::rrset("_mta-sts.alpha.test.", "TXT", 40, {"\"v=STSv1; id=20260101;\""}));
       w.served_policy =
           "version: STSv1\r\nmode: enforce\r\nmx: mx.old.test\r\nmax_age: 604800\r\n";
     }},
    {"signatures", "DN-01", Exit::refused,
     [](FakeWorld& w) {
       w.has_ds = true;
       w.signatures = [] {
         return Assertion::fail("DN-01: alpha.test. MX has no RRSIG", "sign it");
       };
     },
     [](FakeWorld& w) { return w.run_waiting(); }},
};

class Gate : public ::testing::TestWithParam<Wrong> {};

TEST_P(Gate, CrossedWithOneFactWrongEndsTheRunWithItsIdAndCode) {
  FakeWorld world;
  GetParam().make(world);
  const auto end = GetParam().run(world);
  EXPECT_EQ(exit_of_run(end, false), GetParam().exit) << end.why;
  if (GetParam().exit == Exit::waiting) {
    EXPECT_TRUE(end.retry_at);
  } else {
    EXPECT_THAT(end.why, HasSubstr(GetParam().id));
  }
  EXPECT_NE(world.zone.find("alpha.test.", "MX")->records.at(0).rdata, "10 mx.new.test.");
}

INSTANTIATE_TEST_SUITE_P(Each, Gate, ::testing::ValuesIn(kWrong),
                         [](const auto& param) { return param.param.name; });

TEST(RunExit, InOrderIsDoneAndFindingsAreSaid) {
  FakeWorld world;
  const auto end = world.run_on();
  EXPECT_EQ(exit_of_run(end, false), Exit::done) << end.why;
  EXPECT_EQ(exit_of_run(end, true), Exit::findings);
}

TEST(RunExit, AFailureHasTheCodeOfItsKind) {
  const auto exit = [](RunEnd::Kind kind, std::optional<ErrorCode> why = {}) {
    RunEnd end;
    end.kind = kind;
    if (why) end.error = fail(*why, "x", "y").error();
    return exit_of_run(end, true);
  };
  EXPECT_EQ(exit(RunEnd::Kind::stopped), Exit::interrupted);
  EXPECT_EQ(exit(RunEnd::Kind::failed), Exit::fault);
  EXPECT_EQ(exit(RunEnd::Kind::failed, ErrorCode::network), Exit::server);
  EXPECT_EQ(exit(RunEnd::Kind::failed, ErrorCode::auth), Exit::auth);
  EXPECT_EQ(exit(RunEnd::Kind::failed, ErrorCode::conflict), Exit::refused);
  EXPECT_EQ(exit(RunEnd::Kind::failed, ErrorCode::store), Exit::interrupted);
}

}  // namespace
}  // namespace mxferry::app
