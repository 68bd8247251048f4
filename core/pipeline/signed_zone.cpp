// SPDX-License-Identifier: Apache-2.0
#include "pipeline/signed_zone.hpp"

#include <nlohmann/json.hpp>

#include "base/json_reader.hpp"
#include "pipeline/dns_steps.hpp"

namespace mxferry::pipeline {
namespace {

constexpr auto kLook = Millis(2'000);
constexpr auto kLimit = std::chrono::minutes(5);

struct Signed {
  bool has_ds = false;
  Assertion verdict = Assertion::unknown("nobody was asked");
  std::vector<dns::Question> present{};
};

// Blocking: on a worker.
Signed look_at(DnsEyes& eyes, const std::string& zone, const std::vector<dns::Question>& questions,
               std::stop_token stop) {
  Signed out;
  const auto ds = eyes.has_ds(zone, stop);
  if (!ds) {
    out.has_ds = true;  // it may be: never taken for unsigned
    out.verdict = Assertion::unknown("DN-01: whether the parent has a DS of " + zone +
                                     " is not known: " + ds.error().message());
    return out;
  }
  out.has_ds = *ds;
  if (!out.has_ds) return out;
  const auto delegation = eyes.delegation(zone, stop);
  if (!delegation) {
    out.verdict = Assertion::unknown("DN-01: " + delegation.error().message());
    return out;
  }
  out.verdict = eyes.signatures(*delegation, questions, stop);
  if (!out.verdict.passed()) return out;
  const auto round = eyes.round(*delegation, questions, stop);
  for (const auto& question : questions) {
    bool everywhere = true;
    for (const auto& view : round.views)
      if (view.question == question && view.seen.kind != dns::Seen::Kind::present)
        everywhere = false;
    if (everywhere) out.present.push_back(question);
  }
  return out;
}

// Asked only for what every server has: a question must not plant a negative answer.
Assertion ask_validators(DnsEyes& eyes, const std::vector<dns::Question>& questions,
                         std::size_t& validated, std::stop_token stop) {
  for (const auto& question : questions) {
    for (const auto& answer : eyes.ask_resolvers(question, stop)) {
      if (answer.seen.kind == dns::Seen::Kind::unknown)
        return Assertion::fail("DN-01: resolver " + answer.name + " gives no answer for " +
                                   question.name + " " + question.type + " (" + answer.seen.why +
                                   "), as validators do where signatures are wrong",
                               "look at the zone's signatures and at the DS set of its parent");
      if (answer.seen.authentic) ++validated;
    }
  }
  return Assertion::pass();
}

}  // namespace

std::vector<dns::Question> questions_of(const std::vector<DnsEdit>& edits) {
  std::vector<dns::Question> out;
  for (const auto& edit : edits) {
    dns::Question question;
    question.name = edit.name;
    question.type = edit.type;
    out.push_back(std::move(question));
  }
  return out;
}

Task<std::optional<StepEnd>> hold_until_signed(Env& env, const Step& step, std::string zone,
                                               std::vector<dns::Question> questions) {
  auto* eyes = &env.eyes;
  const Instant began = env.clock.now();
  for (;;) {
    auto look = [eyes, zone, questions, stop = env.stop] {
      return look_at(*eyes, zone, questions, stop);
    };
    auto seen = co_await on_worker(env, std::move(look));
    if (env.stop.stop_requested()) co_return StepEnd::stopped();
    if (!seen.has_ds) co_return std::nullopt;
    auto verdict = seen.verdict;
    std::size_t validated = 0;
    if (verdict.passed()) {
      auto ask = [eyes, present = seen.present, &validated, stop = env.stop] {
        return ask_validators(*eyes, present, validated, stop);
      };
      verdict = co_await on_worker(env, std::move(ask));
      if (env.stop.stop_requested()) co_return StepEnd::stopped();
    }
    if (verdict.passed()) {
      const Json body = {{"gate", "DN-01"},
                         {"zone", zone},
                         {"sets", questions.size()},
                         {"answers_validated", validated}};
      if (auto noted = env.store.journal(step.id, "observation", body); !noted)
        co_return StepEnd::failed(noted.error());
      co_return std::nullopt;
    }
    if (env.clock.now() - began >= kLimit)
      co_return StepEnd::held(verdict.why,
                              verdict.remedy.empty()
                                  ? "look at the zone's signing, and run the same command again"
                                  : verdict.remedy);
    const Instant t = env.clock.now() + kLook;
    const auto waited = co_await wait_until(env, step, t, verdict.why);
    if (waited != Waited::go_on) co_return end_of(waited, t, verdict.why);
  }
}

Task<StepEnd> end_signed(Env& env, const Step& step, StepEnd end, std::string zone,
                         std::vector<std::string> steps) {
  if (end.kind != StepEnd::Kind::done) co_return end;
  const auto sets = written_sets(env.store, zone, steps);
  if (!sets) co_return StepEnd::failed(sets.error());
  std::vector<dns::Question> questions;
  for (const auto& [key, set] : *sets)
    questions.push_back(question_of(key));  // of what is gone, the proof that it is
  if (questions.empty()) co_return end;
  auto held = co_await hold_until_signed(env, step, zone, questions);
  if (held) co_return *held;
  co_return end;
}

}  // namespace mxferry::pipeline
