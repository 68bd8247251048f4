// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drift.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/sha256.hpp"
#include "pipeline/alerts.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::pipeline {
namespace {

bool holds(const std::string& type, const std::vector<std::string>& set, const std::string& item) {
  return std::any_of(set.begin(), set.end(),
                     [&](const std::string& one) { return dns::same_set(type, {one}, {item}); });
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + item;
  return out.empty() ? "nothing" : out;
}

}  // namespace

ManagedSets managed_sets(const Plan& plan, const std::string& domain,
                         const std::function<bool(const std::string& step)>& is_done) {
  ManagedSets out;
  for (const auto& step : plan.steps) {
    const auto* change = std::get_if<DnsChangeAction>(&step.action);
    if (change == nullptr || step.subject != domain || !is_done(step.id)) continue;
    for (const auto& edit : change->edits) {
      if (edit.kind == DnsEdit::Kind::ttl) continue;
      auto& set = out[{edit.name, edit.type}];
      if (edit.kind == DnsEdit::Kind::set) {
        set.whole = true;
        set.data = edit.after;
        continue;
      }
      std::erase_if(set.data,
                    [&](const std::string& one) { return holds(edit.type, edit.before, one); });
      for (const auto& text : edit.after)
        if (!holds(edit.type, set.data, text)) set.data.push_back(text);
    }
  }
  return out;
}

bool is_as_managed(const std::string& type, const Managed& managed,
                   const std::vector<std::string>& seen) {
  if (managed.whole) return dns::same_set(type, managed.data, seen);
  return std::all_of(managed.data.begin(), managed.data.end(),
                     [&](const std::string& text) { return holds(type, seen, text); });
}

Task<Result<void>> look_for_drift(Env& env, const DomainPlan& domain) {
  MXF_CO_TRY(rows, env.store.steps());
  const auto sets = managed_sets(env.plan, domain.name, [&](const std::string& step) {
    const auto it = rows.find(step);
    return it != rows.end() && it->second.status == StepStatus::done;
  });
  if (sets.empty()) co_return Result<void>();
  std::vector<dns::Question> questions;
  for (const auto& [key, managed] : sets) questions.push_back({key.first, key.second});
  auto* eyes = &env.eyes;
  auto ask = [eyes, zone = domain.zone, questions, stop = env.stop]() -> Result<dns::Round> {
    MXF_TRY(delegation, eyes->delegation(zone, stop));
    return eyes->round(delegation, questions, stop);
  };
  const auto round = co_await on_worker(env, std::move(ask));
  if (!round) {
    env.watcher.note("drift of " + domain.name +
                     " cannot be looked for: " + round.error().message());
    co_return Result<void>();
  }
  std::set<std::string> told;
  for (const auto& view : round->views) {
    if (view.seen.kind == dns::Seen::Kind::unknown) continue;
    const auto it = sets.find({view.question.name, view.question.type});
    if (it == sets.end() || is_as_managed(view.question.type, it->second, view.seen.rdata))
      continue;
    const std::string what = view.question.name + " " + view.question.type;
    if (!told.insert(what).second) continue;
    Finding finding;
    finding.id = "DR-01";
    finding.subject = what;
    finding.severity = Severity::warning;
    finding.text = "a record that mxferry wrote was changed by somebody else: " + view.server +
                   " serves " + joined(view.seen.rdata) + ", and " + joined(it->second.data) +
                   (it->second.whole ? " was written" : " should be among it");
    finding.remedy = "look at it with mxferry dns records; mxferry never writes over it";
    MXF_CO_CHECK(env.store.put_finding(finding));
    raise_alert(env, "drift", what + ":" + sha256_hex(joined(view.seen.rdata)).substr(0, 16), what,
                finding.text, finding.remedy);
  }
  co_return Result<void>();
}

}  // namespace mxferry::pipeline
