// SPDX-License-Identifier: Apache-2.0
// A canary between its sending and its removal: a kill, or an answer that is lost, at any point
// neither loses it nor leaves a second one behind.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "pipeline/runner.hpp"
#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using test::FakeWorld;
using Kind = RunEnd::Kind;

Error lost_answer() {
  Error error;
  error.code = ErrorCode::network;
  error.operation = "test";
  error.text = "the connection was lost";
  return error;
}

TEST(Canary, RemovedAndTheAnswerLostItIsNotWaitedFor) {
  FakeWorld world;
  bool lost = false;
  int calls = 0;
  world.fault = [&](const std::string& what) -> std::optional<Error> {
    if (what != "mail canary" || world.delivered.empty() || lost || ++calls < 2)
      return std::nullopt;
    world.delivered.clear();  // the first call found it, the second one removes it
    lost = true;
    return lost_answer();
  };
  const auto end = world.run_on();
  EXPECT_TRUE(lost);
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_EQ(world.canaries_sent, 2);  // one straight to the MX, one by the public route
}

TEST(Canary, TakenAndTheAnswerLostItIsFoundAndNotSentAgain) {
  FakeWorld world;
  bool lost = false;
  int looked = 0;
  std::string token;
  world.fault = [&](const std::string& what) -> std::optional<Error> {
    // It arrives a few looks later, as with an MX that queues.
    if (what == "mail canary" && lost && ++looked == 4) world.delivered.insert(token);
    if (what != "mx canary" || lost) return std::nullopt;
    lost = true;
    const auto intents = world.store().observations("canary-intent", "");
    if (!intents || intents->empty()) return lost_answer();
    token = Json::parse(intents->front().second).at("token").get<std::string>();
    return lost_answer();
  };
  const auto end = world.run_on();
  EXPECT_TRUE(lost);
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_EQ(world.canaries_sent, 1) << "the public one; the other was taken before the loss";
  EXPECT_TRUE(world.delivered.empty());
}

TEST(Canary, ThatComesTwiceAfterAllIsGoneAfterTheWatch) {
  FakeWorld world;
  bool lost = false;
  std::string token;
  world.fault = [&](const std::string& what) -> std::optional<Error> {
    if (what != "mx canary" || lost) return std::nullopt;
    lost = true;
    const auto intents = world.store().observations("canary-intent", "");
    if (intents && !intents->empty())
      token = Json::parse(intents->front().second).at("token").get<std::string>();
    return lost_answer();
  };
  world.at_step = [&](const std::string& step, StepStatus status) {
    if (step == "flip:alpha.test" && status == StepStatus::done) world.delivered.insert(token);
  };
  const auto end = world.run_on();
  EXPECT_EQ(end.kind, Kind::done) << end.why;
  EXPECT_EQ(world.canaries_sent, 2);
  EXPECT_TRUE(world.delivered.empty()) << token;
}

}  // namespace
}  // namespace mxferry::pipeline
