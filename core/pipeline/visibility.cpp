// SPDX-License-Identifier: Apache-2.0
#include "pipeline/visibility.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_reader.hpp"
#include "pipeline/dns_look.hpp"
#include "pipeline/dns_steps.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::pipeline {
namespace {

std::vector<std::string> rdata_of(const ZoneRRset& set) {
  std::vector<std::string> out;
  for (const auto& record : set.records) out.push_back(record.rdata);
  return out;
}

}  // namespace

Task<StepEnd> wait_visible(Env& env, const Step& step, const VisibleAction& action) {
  if (action.steps.empty()) co_return StepEnd::done("nothing was written");
  for (;;) {
    auto sets = written_sets(env.store, action.zone, action.steps);
    if (!sets) co_return StepEnd::failed(sets.error());
    if (sets->empty()) co_return StepEnd::done("everything stood already");
    auto writes = env.store.dns_writes(action.zone);
    if (!writes) co_return StepEnd::failed(writes.error());
    std::vector<dns::Expected> expected;
    std::vector<dns::Question> questions;
    std::uint32_t longest = 0;
    bool creates = false;
    for (const auto& [key, set] : *sets) {
      dns::Expected want;
      want.question = question_of(key);
      if (set) {
        want.rdata = rdata_of(*set);
        longest = std::max(longest, set->ttl);
      }
      expected.push_back(want);
      questions.push_back(want.question);
    }
    for (const auto& write : *writes) {
      if (std::find(action.steps.begin(), action.steps.end(), write.step) == action.steps.end())
        continue;
      for (const auto& change : write.changes) {
        if (change.before)
          longest = std::max(longest, change.before->ttl);
        else
          creates = true;
      }
    }
    const auto poll = poll_of(lowered_of(env));
    auto delegation = co_await delegation_of(env, action.zone);
    if (!delegation) {
      const auto verdict = Assertion::unknown(delegation.error().message());
      if (const auto end = co_await look_again(env, step, poll, verdict)) co_return *end;
      continue;
    }
    if (creates) {
      auto* eyes = &env.eyes;
      auto work = [eyes, d = *delegation, stop = env.stop] { return eyes->negative_ttl(d, stop); };
      auto negative = co_await on_worker(env, std::move(work));
      if (!negative) {
        const auto verdict = Assertion::unknown(negative.error().message());
        if (const auto end = co_await look_again(env, step, poll, verdict)) co_return *end;
        continue;
      }
      longest = std::max(longest, *negative);
    }
    const auto looked = co_await look(env, *delegation, questions, expected);
    if (env.stop.stop_requested()) co_return StepEnd::stopped();
    if (!looked.verdict.passed()) {
      if (looked.verdict.verdict == Assertion::Verdict::fail) {
        if (auto reset = env.waits.reset(step.id); !reset) co_return StepEnd::failed(reset.error());
      }
      if (const auto end = co_await look_again(env, step, poll, looked.verdict)) co_return *end;
      continue;
    }
    if (auto started = env.waits.start(step.id); !started)
      co_return StepEnd::failed(started.error());
    auto progress = env.waits.progress(step.id);
    if (!progress) co_return StepEnd::failed(progress.error());
    const auto left =
        Millis(static_cast<std::int64_t>(longest) * 1000) + kSlack - progress->value_or(Millis(0));
    if (left <= Millis(0))
      co_return StepEnd::done("every server serves it, and no older answer can be cached");
    (void)env.waits.checkpoint(step.id);
    const Instant t = env.clock.now() + left;
    const std::string why = "older answers may be cached for another " + format_duration(left);
    const auto waited =
        co_await wait_until(env, step, env.no_wait ? t : std::min(t, env.clock.now() + poll), why);
    if (waited != Waited::go_on) co_return end_of(waited, t, why);
  }
}

Task<StepEnd> converge(Env& env, const Step& step, const ConvergeAction& action) {
  constexpr int kRounds = 3;  // all-new rounds in a row, spanning at least the lowered TTL
  const auto lowered = lowered_of(env);
  const auto poll = poll_of(lowered);
  int agreeing = 0;
  for (;;) {
    auto sets = written_sets(env.store, action.zone, {"flip:" + action.domain});
    if (!sets) co_return StepEnd::failed(sets.error());
    std::vector<dns::Expected> expected;
    std::vector<dns::Question> questions;
    for (const auto& [key, set] : *sets) {
      dns::Expected want;
      want.question = question_of(key);
      if (set) want.rdata = rdata_of(*set);
      expected.push_back(want);
      questions.push_back(want.question);
    }
    if (expected.empty()) co_return StepEnd::done("the records stood already");
    auto delegation = co_await delegation_of(env, action.zone);
    Assertion verdict =
        delegation ? Assertion::pass() : Assertion::unknown(delegation.error().message());
    if (delegation) {
      const auto looked = co_await look(env, *delegation, questions, expected);
      verdict = looked.verdict;
    }
    if (env.stop.stop_requested()) co_return StepEnd::stopped();
    if (!verdict.passed()) {
      agreeing = 0;
      if (verdict.verdict == Assertion::Verdict::fail) {
        if (auto reset = env.waits.reset(step.id); !reset) co_return StepEnd::failed(reset.error());
      }
      if (const auto end = co_await look_again(env, step, poll, verdict)) co_return *end;
      continue;
    }
    if (auto started = env.waits.start(step.id); !started)
      co_return StepEnd::failed(started.error());
    // Only now, when every authority has the new data, are resolvers asked: an earlier question
    // would plant a negative answer.
    std::string stale;
    std::uint32_t stale_ttl = 0;
    Json shown = Json::array();
    for (const auto& want : expected) {
      auto* eyes = &env.eyes;
      auto work = [eyes, question = want.question, stop = env.stop] {
        return eyes->ask_resolvers(question, stop);
      };
      const auto answers = co_await on_worker(env, std::move(work));
      for (const auto& answer : answers) {
        bool agrees = false;
        if (want.rdata.empty())
          agrees = answer.seen.kind == dns::Seen::Kind::absent ||
                   (answer.seen.kind == dns::Seen::Kind::present && !answer.seen.alias.empty());
        else
          agrees = answer.seen.kind == dns::Seen::Kind::present &&
                   dns::same_set(want.question.type, answer.seen.rdata, want.rdata);
        shown.push_back({{"resolver", answer.name},
                         {"name", want.question.name},
                         {"type", want.question.type},
                         {"agrees", agrees},
                         {"ttl", answer.seen.ttl}});
        if (!agrees) {
          stale = "resolver " + answer.name + " does not show the new " + want.question.name + " " +
                  want.question.type +
                  (answer.seen.why.empty() ? "" : " (" + answer.seen.why + ")");
          stale_ttl = std::max(stale_ttl, answer.seen.ttl);
        }
      }
    }
    auto progress = env.waits.progress(step.id);
    if (!progress) co_return StepEnd::failed(progress.error());
    const auto span = Millis(static_cast<std::int64_t>(lowered) * 1000);
    const auto left = span - progress->value_or(Millis(0));
    agreeing = stale.empty() ? agreeing + 1 : 0;
    if (stale.empty() && agreeing >= kRounds && left <= Millis(0)) {
      const Json body = {{"resolvers", shown}};
      if (auto noted = env.store.observe("converged", action.domain, body); !noted)
        co_return StepEnd::failed(noted.error());
      co_return StepEnd::done("every authoritative server and every resolver agree");
    }
    const std::string why =
        stale.empty() ? "all agree; watched until no old answer can be left" : stale;
    const auto again = Assertion::unknown(why);
    // Rounds in a row are one observation: with --no-wait they are made here as long as nothing
    // older can be cached.
    if (env.no_wait && stale.empty() && left <= Millis(0)) {
      if (!co_await nap(env, Millis(500))) co_return StepEnd::stopped();
      continue;
    }
    auto pause = stale.empty() && agreeing >= kRounds ? std::max(left, Millis(500))
                                                      : std::min(poll, Millis(5000));
    // When it is worth coming back: as soon as the old answer has run out.
    if (env.no_wait && stale_ttl > 0) pause = Millis(static_cast<std::int64_t>(stale_ttl) * 1000);
    if (const auto end = co_await look_again(env, step, pause, again)) co_return *end;
  }
}

}  // namespace mxferry::pipeline
