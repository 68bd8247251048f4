// SPDX-License-Identifier: Apache-2.0
#include "pipeline/ttl_gate.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_reader.hpp"
#include "pipeline/dns_look.hpp"
#include "pipeline/dns_steps.hpp"

namespace mxferry::pipeline {
namespace {

// The TTL that the plan's lower-ttl step really left at the API, which may have a floor.
Result<std::uint32_t> lowered_ttl(Env& env, const std::string& zone) {
  auto most = lowered_of(env);
  MXF_TRY(writes, env.store.dns_writes(zone));
  for (const auto& write : writes) {
    if (!write.step.starts_with("lower-ttl:")) continue;
    for (const auto& change : write.changes)
      if (change.after) most = std::max(most, change.after->ttl);
  }
  return most;
}

struct TtlTarget {
  std::vector<dns::Expected> expected;
  std::vector<dns::Question> questions;
  std::uint32_t lowered = 0;
  Millis duration{0};
  bool creates = false;
};

Result<TtlTarget> ttl_target(Env& env, const TtlWaitAction& action) {
  TtlTarget out;
  MXF_TRY(lowered, lowered_ttl(env, action.zone));
  out.lowered = lowered;
  std::uint32_t most = 0;
  for (const auto& key : action.sets) {
    const auto question = question_of(key);
    MXF_TRY(seen, env.store.seen_ttl(action.zone, question.name, question.type));
    if (!seen) {
      out.creates = true;  // nobody had it at assess: the flip creates it, and only a negative
                           // answer can be cached
      continue;
    }
    most = std::max(most, *seen);
    dns::Expected want;
    want.question = question;
    want.data_matters = false;
    want.most_ttl = lowered;
    out.expected.push_back(want);
    out.questions.push_back(question);
  }
  out.duration = Millis(static_cast<std::int64_t>(most) * 1000) + kSlack;
  return out;
}

// Answers of one round go into what is known of TTLs: a server that still gives a larger one makes
// the wait longer.
Result<void> learn_ttls(Env& env, const std::string& zone, const dns::Round& round,
                        const std::vector<dns::Question>& questions) {
  for (const auto& question : questions) {
    if (const auto ttl = dns::largest_ttl(round, question))
      MXF_CHECK(env.store.see_ttl(zone, question.name, question.type, *ttl));
  }
  return {};
}

std::string resolver_key(const std::string& gate) { return gate + ":resolvers"; }

// How much is left of the wait for what resolvers held when it was first met: `wait` from then on.
Result<Millis> held_by_resolvers(Env& env, const std::string& gate, const std::string& why,
                                 Millis wait) {
  const auto key = resolver_key(gate);
  MXF_TRY(progress, env.waits.progress(key));
  if (!progress) {
    const Json body = {{"why", why}, {"wait_ms", wait.count()}};
    MXF_CHECK(env.store.observe("resolver-above-ttl", gate, body));
    MXF_CHECK(env.waits.start(key));
    return wait;
  }
  MXF_TRY(met, env.store.observations("resolver-above-ttl", gate));
  if (met.empty()) return wait;
  MXF_TRY(body, parse_json(met.back().second, "state: observation"));
  MXF_TRY(bound, json_int(body, "wait_ms", "state: observation"));
  return Millis(bound) - *progress;
}

}  // namespace

Task<StepEnd> wait_ttl(Env& env, const Step& step, const TtlWaitAction& action) {
  const std::string key = step.id;
  for (;;) {
    auto target = ttl_target(env, action);
    if (!target) co_return StepEnd::failed(target.error());
    auto delegation = co_await delegation_of(env, action.zone);
    const auto poll = poll_of(target->lowered);
    if (!delegation) {
      const auto verdict = Assertion::unknown(delegation.error().message());
      if (const auto end = co_await look_again(env, step, poll, verdict)) co_return *end;
      continue;
    }
    if (target->creates) {
      auto* eyes = &env.eyes;
      auto work = [eyes, d = *delegation, stop = env.stop] { return eyes->negative_ttl(d, stop); };
      auto negative = co_await on_worker(env, std::move(work));
      if (!negative) {
        const auto verdict = Assertion::unknown(negative.error().message());
        if (const auto end = co_await look_again(env, step, poll, verdict)) co_return *end;
        continue;
      }
      target->duration =
          std::max(target->duration, Millis(static_cast<std::int64_t>(*negative) * 1000) + kSlack);
    }
    const auto looked = co_await look(env, *delegation, target->questions, target->expected);
    if (env.stop.stop_requested()) co_return StepEnd::stopped();
    if (auto learnt = learn_ttls(env, action.zone, looked.round, target->questions); !learnt)
      co_return StepEnd::failed(learnt.error());
    if (!target->expected.empty() && !looked.verdict.passed()) {
      // One that serves the old TTL fills caches anew: the wait counts from nothing. One that is
      // silent only holds it up.
      if (looked.verdict.verdict == Assertion::Verdict::fail) {
        for (const auto& clock : {key, resolver_key(key)})
          if (auto reset = env.waits.reset(clock); !reset) co_return StepEnd::failed(reset.error());
      }
      const Instant t =
          env.clock.now() +
          (looked.verdict.verdict == Assertion::Verdict::fail ? target->duration : poll);
      const std::string why = looked.verdict.why;
      if (env.no_wait) {
        const auto waited = co_await wait_until(env, step, t, why);
        co_return end_of(waited, t, why);
      }
      if (const auto end = co_await look_again(env, step, poll, looked.verdict)) co_return *end;
      continue;
    }
    if (auto started = env.waits.start(key); !started) co_return StepEnd::failed(started.error());
    auto progress = env.waits.progress(key);
    if (!progress) co_return StepEnd::failed(progress.error());
    // Seen again: this round may have met a TTL larger than any before.
    auto again = ttl_target(env, action);
    if (!again) co_return StepEnd::failed(again.error());
    const auto duration = std::max(again->duration, target->duration);
    const auto left = duration - progress->value_or(Millis(0));
    if (left > Millis(0)) {
      (void)env.waits.checkpoint(key);
      const Instant t = env.clock.now() + left;
      const std::string why = "caches may hold the old TTL for another " + format_duration(left);
      // Look again before the end, so that a relapse is seen while it can still be counted.
      const auto waited = co_await wait_until(
          env, step, env.no_wait ? t : std::min(t, env.clock.now() + poll), why);
      if (waited != Waited::go_on) co_return end_of(waited, t, why);
      continue;
    }
    // Last: what resolvers really hold. One that gives no answer may hold anything.
    std::string stale;
    std::string unknown;
    Millis stale_for{0};
    for (const auto& question : target->questions) {
      auto* eyes = &env.eyes;
      auto work = [eyes, question, stop = env.stop] { return eyes->ask_resolvers(question, stop); };
      const auto answers = co_await on_worker(env, std::move(work));
      for (const auto& answer : answers) {
        if (answer.seen.kind == dns::Seen::Kind::unknown)
          unknown = "resolver " + answer.name + " for " + question.name + " " + question.type +
                    ": " + answer.seen.why;
        if (answer.seen.kind != dns::Seen::Kind::present || answer.seen.ttl <= target->lowered)
          continue;
        stale = "resolver " + answer.name + " still holds " + question.name + " " + question.type +
                " for " + std::to_string(answer.seen.ttl) + " s";
        stale_for = std::max(stale_for, Millis(static_cast<std::int64_t>(answer.seen.ttl) * 1000));
      }
    }
    if (env.stop.stop_requested()) co_return StepEnd::stopped();
    if (!unknown.empty()) {
      const auto verdict = Assertion::unknown(unknown);
      if (const auto end = co_await look_again(env, step, poll, verdict)) co_return *end;
      continue;
    }
    if (!stale.empty()) {
      // What it holds is waited out once, as long as it was when it was first met. One that shows
      // it again after that has a floor of its own above the lowered TTL: known then, and not
      // waited for.
      auto held = held_by_resolvers(env, key, stale, stale_for + kSlack);
      if (!held) co_return StepEnd::failed(held.error());
      if (*held > Millis(0)) {
        (void)env.waits.checkpoint(resolver_key(key));
        const Instant t = env.clock.now() + *held;
        const auto waited = co_await wait_until(
            env, step, env.no_wait ? t : std::min(t, env.clock.now() + poll), stale);
        if (waited != Waited::go_on) co_return end_of(waited, t, stale);
        continue;
      }
    }
    const Json body = {{"waited_ms", duration.count()},
                       {"lowered", target->lowered},
                       {"servers", delegation->servers.size()}};
    if (auto noted = env.store.journal(step.id, "observation", body); !noted)
      co_return StepEnd::failed(noted.error());
    co_return StepEnd::done("waited " + format_duration(duration) +
                            " since every server serves the lowered TTL");
  }
}

}  // namespace mxferry::pipeline
