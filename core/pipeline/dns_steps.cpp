// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dns_steps.hpp"

#include <algorithm>

#include "base/crash_point.hpp"
#include "dns/change_set.hpp"
#include "pipeline/signed_zone.hpp"
#include "pipeline/transport_steps.hpp"
#include "pipeline/ttl_gate.hpp"
#include "pipeline/visibility.hpp"

namespace mxferry::pipeline {

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
               stop = env.stop] { return dns::apply_edits(*dns, zone, edits, hooks, stop, begun); };
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

}  // namespace mxferry::pipeline
