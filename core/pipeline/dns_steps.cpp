// SPDX-License-Identifier: Apache-2.0
// TTL gate. The clock starts at the end of the first round in which every authoritative server
// serves the lowered TTL, restarts if one relapses, and runs for the largest TTL seen since assess
// for any set that will change (its alias chain counts, and the negative TTL where a name is new)
// plus 2 s: a resolver keeps an entry up to a second longer than its TTL.
#include "pipeline/dns_steps.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/crash_point.hpp"
#include "base/json_reader.hpp"
#include "dns/change_set.hpp"
#include "pipeline/signed_zone.hpp"
#include "pipeline/transport_steps.hpp"
#include "plan/plan_json.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::pipeline {
namespace {

constexpr auto kSlack = Millis(2000);

// How often to look: often enough to be prompt, seldom enough to be polite.
Millis poll_of(std::uint32_t ttl) {
  return Millis(std::clamp<std::int64_t>(static_cast<std::int64_t>(ttl) * 1000 / 20, 500, 60'000));
}

std::uint32_t lowered_of(const Env& env) {
  const auto it = env.plan.policy.find("ttl.lowered");
  return it == env.plan.policy.end() ? 300U : static_cast<std::uint32_t>(std::stoul(it->second));
}

std::vector<std::string> rdata_of(const ZoneRRset& set) {
  std::vector<std::string> out;
  for (const auto& record : set.records) out.push_back(record.rdata);
  return out;
}

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

struct Looked {
  dns::Round round;
  Assertion verdict;
};

Task<Result<dns::Delegation>> delegation_of(Env& env, std::string zone) {
  auto* eyes = &env.eyes;
  auto work = [eyes, zone, stop = env.stop] { return eyes->delegation(zone, stop); };
  co_return co_await on_worker(env, std::move(work));
}

Task<Looked> look(Env& env, dns::Delegation delegation, std::vector<dns::Question> questions,
                  std::vector<dns::Expected> expected) {
  auto* eyes = &env.eyes;
  auto work = [eyes, delegation, questions, expected, stop = env.stop] {
    Looked out;
    out.round = eyes->round(delegation, questions, stop);
    out.verdict = dns::check(out.round, expected);
    if (out.verdict.passed()) out.verdict = eyes->confirmed(delegation, expected, stop);
    return out;
  };
  co_return co_await on_worker(env, std::move(work));
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

// A verdict that is not a pass: wait a poll and look again, or end where the run may not wait.
Task<std::optional<StepEnd>> look_again(Env& env, const Step& step, Millis poll,
                                        Assertion verdict) {
  const Instant t = env.clock.now() + poll;
  const auto waited = co_await wait_until(env, step, t, verdict.why);
  if (waited == Waited::go_on) co_return std::nullopt;
  co_return end_of(waited, t, verdict.why);
}

}  // namespace

dns::Question question_of(const std::string& key) {
  const auto slash = key.rfind('/');
  dns::Question question;
  question.name = key.substr(0, slash);
  question.type = slash == std::string::npos ? "" : key.substr(slash + 1);
  return question;
}

Result<std::map<std::string, std::optional<ZoneRRset>>> written_sets(
    RunStore& store, const std::string& zone, const std::vector<std::string>& steps) {
  std::map<std::string, std::optional<ZoneRRset>> out;
  MXF_TRY(writes, store.dns_writes(zone));
  for (const auto& write : writes) {
    if (std::find(steps.begin(), steps.end(), write.step) == steps.end()) continue;
    for (const auto& change : write.changes) {
      const auto& any = change.after ? *change.after : *change.before;
      out[any.name + "/" + any.type] = change.after;
    }
  }
  // A later write of another step on the same set is what the servers serve now.
  for (const auto& write : writes) {
    for (const auto& change : write.changes) {
      const auto& any = change.after ? *change.after : *change.before;
      const auto it = out.find(any.name + "/" + any.type);
      if (it != out.end()) it->second = change.after;
    }
  }
  return out;
}

Result<std::vector<ZoneChange>> begun_changes(RunStore& store, const std::string& zone,
                                              const std::string& step) {
  std::vector<ZoneChange> out;
  MXF_TRY(writes, store.dns_writes(zone));
  for (const auto& write : writes)
    if (write.step == step && write.state == "intent")
      out.insert(out.end(), write.changes.begin(), write.changes.end());
  return out;
}

Task<StepEnd> change_dns(Env& env, const Step& step, const DnsChangeAction& action) {
  const auto api = env.dns.find(action.zone);
  if (api == env.dns.end()) {
    auto error = fail(ErrorCode::internal, step.id, "no DNS API for " + action.zone).error();
    co_return StepEnd::failed(std::move(error));
  }
  if (step.stage == Stage::flip) {
    auto rows = env.store.mailboxes();
    if (!rows) co_return StepEnd::failed(rows.error());
    for (const auto& box : env.file.mailboxes) {
      if (!config::belongs_to(box, step.subject)) continue;
      // Left behind by the operator's word (MB-01): nobody can log in there.
      const auto row = rows->find(box.dest);
      if (row != rows->end() && row->second.state == "parked") continue;
      auto marked = co_await env.mail.mark_flip(box);
      if (!marked) co_return StepEnd::failed(marked.error());
      crash_point("flip.marked");
    }
    // The gates were open a moment ago; a server that relapsed since has filled caches anew, and
    // its wait counts from nothing again. A pause that came meanwhile holds the write, and the
    // gates are asked again after it.
    do {
      if (!co_await nap(env, Millis(0))) co_return StepEnd::stopped();
      for (const auto& other : env.plan.steps) {
        if (other.subject != step.subject) continue;
        StepEnd end;
        if (const auto* ttl = std::get_if<TtlWaitAction>(&other.action))
          end = co_await wait_ttl(env, other, *ttl);
        if (const auto* visible = std::get_if<VisibleAction>(&other.action))
          end = co_await wait_visible(env, other, *visible);
        if (const auto* gate = std::get_if<GateAction>(&other.action);
            gate != nullptr && gate->gate == kTransport)
          end = co_await transport_gate(env, other, *gate);
        if (end.kind != StepEnd::Kind::done) co_return end;
      }
    } while (env.paused);
    if (auto end = co_await hold_until_signed(env, step, action.zone, questions_of(action.edits)))
      co_return *end;
  }
  std::optional<Slots::Held> slot;
  slot.emplace(co_await env.dns_slots->take());
  auto* dns = api->second;
  auto* store = &env.store;
  auto intent_id = std::make_shared<std::int64_t>(0);
  dns::ChangeHooks hooks;
  hooks.intent = [main = env.main, store, intent_id, zone = action.zone,
                  id = step.id](const std::vector<ZoneChange>& changes) -> Result<void> {
    return on_main(main, [&]() -> Result<void> {
      MXF_TRY(made, store->dns_intent(zone, id, changes));
      *intent_id = made;
      crash_point("dns.intent", id);
      return {};
    });
  };
  hooks.result = [main = env.main, store, intent_id, id = step.id](
                     const std::vector<ZoneChange>&, const std::vector<std::string>& ids) {
    crash_point("dns.applied", id);
    return on_main(main, [&] { return store->dns_result(*intent_id, ids); });
  };
  auto begun = begun_changes(env.store, action.zone, step.id);
  if (!begun) co_return StepEnd::failed(begun.error());
  auto work = [dns, zone = action.zone, edits = action.edits, hooks, begun = *begun,
               stop = env.stop] {
    return dns::apply_edits(*dns, zone, edits, hooks, stop, begun);
  };
  auto changes = co_await on_worker(env, std::move(work));
  if (!changes) co_return StepEnd::failed(changes.error());
  // A write that was cut off after it took effect: its intent is closed by what is seen to stand
  // now.
  auto closed = env.store.state().db().run(
      "UPDATE dns_change SET state = 'done' WHERE step = $1 AND state = 'intent'", step.id);
  if (!closed) co_return StepEnd::failed(closed.error());
  slot.reset();  // others may write while this one is watched
  if (auto end = co_await hold_until_signed(env, step, action.zone, questions_of(action.edits)))
    co_return *end;
  co_return StepEnd::done(changes->empty()
                              ? "stood already"
                              : std::to_string(changes->size()) + " RRsets written and read back");
}

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
