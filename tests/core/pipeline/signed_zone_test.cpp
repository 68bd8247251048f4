// SPDX-License-Identifier: Apache-2.0
// DN-01: nothing builds upon a write into a signed zone until it is signed everywhere and resolvers
// answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using test::FakeWorld;
using ::testing::HasSubstr;
using Kind = RunEnd::Kind;

const std::string kApex = "alpha.test.";

bool has_flipped(FakeWorld& world) {
  return world.zone.find(kApex, "MX")->records.at(0).rdata == "10 mx.new.test.";
}

TEST(SignedZone, IsLetThroughWhereEveryWriteIsSigned) {
  FakeWorld world;
  world.has_ds = true;
  world.resolvers["r1"] = {};
  int asked = 0;
  world.signatures = [&] {
    ++asked;
    return Assertion::pass();
  };
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_GE(asked, 6) << "after every write, and once more before the flip";
}

TEST(SignedZone, ASetThatAServerServesUnsignedHoldsWithItsId) {
  FakeWorld world;
  world.has_ds = true;
  world.signatures = [] {
    return Assertion::fail("DN-01: ns2.dns.test.: alpha.test. MX has no RRSIG", "sign it");
  };
  const auto end = world.run_waiting();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("DN-01: ns2.dns.test."));
  EXPECT_FALSE(has_flipped(world));
  world.signatures = nullptr;
  EXPECT_EQ(world.run_on().kind, Kind::done);
}

TEST(SignedZone, OneThatGoesBogusJustBeforeTheFlipIsNotFlipped) {
  FakeWorld world;
  world.has_ds = true;
  bool bogus = false;
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step == "flip:alpha.test" && status == StepStatus::running) bogus = true;
  };
  world.signatures = [&] {
    return bogus ? Assertion::fail("DN-01: an RRSIG that is not valid now", "sign it")
                 : Assertion::pass();
  };
  const auto end = world.run_waiting();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("DN-01"));
  EXPECT_FALSE(has_flipped(world));
}

// A secondary that lags while the write is looked at, and then serves the new set unsigned.
TEST(SignedZone, ASetThatComesUnsignedLaterHoldsTheStepsThatWatchIt) {
  for (const std::string watch : {"names-visible:alpha.test", "converge:alpha.test"}) {
    FakeWorld world;
    world.has_ds = true;
    bool unsigned_now = false;
    bool watched = false;
    world.at_step = [&](const std::string& step, StepStatus status) {
      if (step != watch) return;
      if (status == StepStatus::running) unsigned_now = true;
      if (status == StepStatus::done) watched = true;
    };
    world.signatures = [&] {
      return unsigned_now ? Assertion::fail("DN-01: ns2.dns.test.: a set has no RRSIG", "sign it")
                          : Assertion::pass();
    };
    const auto end = world.run_waiting();
    EXPECT_EQ(end.kind, Kind::held) << watch << ": " << end.why;
    EXPECT_THAT(end.why, HasSubstr("DN-01"));
    EXPECT_FALSE(watched) << watch;
    world.signatures = nullptr;
    EXPECT_EQ(world.run_on().kind, Kind::done) << watch;
  }
}

TEST(SignedZone, AResolverThatAnswersNothingHolds) {
  FakeWorld world;
  world.has_ds = true;
  world.resolvers["r1"].silent = true;
  const auto end = world.run_waiting();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("DN-01: resolver r1"));
  EXPECT_FALSE(has_flipped(world));
}

TEST(SignedZone, WhetherItIsSignedIsNeverGuessed) {
  FakeWorld world;
  world.fault = [](const std::string& call) -> std::optional<Error> {
    if (call != "eyes ds") return std::nullopt;
    return fail(ErrorCode::network, "DS", "timed out").error();
  };
  const auto end = world.run_waiting();
  EXPECT_EQ(end.kind, Kind::held) << end.why;
  EXPECT_THAT(end.why, HasSubstr("DN-01"));
  EXPECT_FALSE(has_flipped(world));
}

}  // namespace
}  // namespace mxferry::pipeline
