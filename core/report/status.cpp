// SPDX-License-Identifier: Apache-2.0
#include "report/status.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "report/inventory.hpp"
#include "report/report.hpp"

namespace mxferry::report {
namespace {

// A run writes a heartbeat every half second; this long without one means that nobody is at work.
constexpr auto kSilence = Millis(30'000);

struct StageCount {
  Stage stage = Stage::assess;
  std::map<StepStatus, std::int64_t> steps;
  std::int64_t total = 0;
  std::int64_t of(StepStatus status) const {
    const auto it = steps.find(status);
    return it == steps.end() ? 0 : it->second;
  }
};

std::vector<StageCount> stages_of(const Data& data) {
  std::map<Stage, StageCount> by_stage;
  for (const auto& step : data.steps) {
    auto& count = by_stage[step.stage];
    count.stage = step.stage;
    ++count.steps[step.status];
    ++count.total;
  }
  std::vector<StageCount> out;
  for (auto& [stage, count] : by_stage) out.push_back(std::move(count));
  return out;
}

std::map<std::string, std::int64_t> states_of(const Data& data) {
  std::map<std::string, std::int64_t> out;
  for (const auto& box : data.mailboxes) ++out[box.state];
  return out;
}

bool has_run_process(const Data& data, Instant now) {
  return data.heartbeat && now - *data.heartbeat < kSilence && !data.ended;
}

std::optional<Instant> retry_at(const Data& data) {
  std::optional<Instant> out;
  for (const auto& step : data.steps)
    if (step.status == StepStatus::waiting && step.not_before && (!out || *step.not_before < *out))
      out = step.not_before;
  return out;
}

std::string ago(Millis span) { return format_duration(std::max(span, Millis(0))); }

}  // namespace

std::string status_text(const Data& data, Instant now) {
  std::string out = "migration " + escape_line(data.migration) + ": " + to_string(data.outcome);
  if (data.scale > 1) out += " (time scale " + std::to_string(data.scale) + ")";
  out += "\n  " + sentence(data.outcome) + "\n";
  if (!data.plan_hash.empty())
    out += "  plan " + escape_line(data.plan_hash.substr(0, 16)) + ", revision " +
           std::to_string(data.revision) + "\n";
  if (data.started) {
    out += "  started " + format_instant(*data.started);
    if (data.ended) out += ", ended " + format_instant(*data.ended);
    out += "\n";
    if (!data.ended && data.heartbeat && !has_run_process(data, now))
      out += "  nobody is at work on it: the last sign of life is " + ago(now - *data.heartbeat) +
             " old\n";
  }
  out += "\n";
  for (const auto& stage : stages_of(data)) {
    std::string line = "  " + to_string(stage.stage);
    line.resize(std::max<std::size_t>(line.size(), 14), ' ');
    const auto ended = stage.of(StepStatus::done) + stage.of(StepStatus::waived);
    line += std::to_string(ended) + "/" + std::to_string(stage.total);
    for (const auto status : {StepStatus::running, StepStatus::waiting, StepStatus::failed,
                              StepStatus::parked, StepStatus::undone, StepStatus::unknown})
      if (const auto n = stage.of(status); n > 0)
        line += ", " + std::to_string(n) + " " + to_string(status);
    out += line + "\n";
  }
  for (const auto& step : data.steps) {
    if (step.status != StepStatus::waiting && step.status != StepStatus::failed) continue;
    out += "\n  " + to_string(step.status) + ": " + escape_line(step.id) + "\n    " +
           escape_line(step.why.empty() ? step.title : step.why) + "\n";
    if (step.not_before) {
      out += "    not before " + format_instant(*step.not_before);
      if (*step.not_before > now)
        out +=
            ", in " + format_duration(std::chrono::duration_cast<Millis>(*step.not_before - now));
      out += "\n";
    }
  }
  if (!data.mailboxes.empty()) {
    out += "\n  mailboxes:";
    std::string sep = " ";
    for (const auto& [state, n] : states_of(data)) {
      out += sep + std::to_string(n) + " " + escape_line(state);
      sep = ", ";
    }
    std::int64_t source = 0, copied = 0;
    for (const auto& box : data.mailboxes) {
      source += box.source.messages.value_or(0);
      copied += box.destination.messages.value_or(0);
    }
    out += "\n  messages: " + std::to_string(copied) + " of " + std::to_string(source) +
           " at the destination\n";
    if (const auto time = estimate_text(data); !time.empty())
      out += "  copying everything takes " + time + "\n";
    for (const auto& box : data.mailboxes)
      if (box.state == "parked")
        out += "  parked " + escape_line(box.address) + ": " + escape_line(box.words) + "\n";
  }
  bool first = true;
  for (const auto& line : data.findings) {
    const auto& f = line.finding;
    if (f.severity == Severity::info) continue;
    if (first) out += "\n";
    first = false;
    out += "  " + to_string(f.severity) + " " + escape_line(f.id) + " " + escape_line(f.subject) +
           ": " + escape_line(f.text) + "\n";
    if (!f.accepted.empty())
      out += "    accepted: " + escape_line(f.accepted) + "\n";
    else if (!f.remedy.empty())
      out += "    what to do: " + escape_line(f.remedy) + "\n";
  }
  if (data.journal_broken_at)
    out += "\n  the journal's chain is broken at record " +
           std::to_string(*data.journal_broken_at) + "\n";
  for (const auto& problem : data.problems) out += "\n  problem: " + escape_line(problem) + "\n";
  return out;
}

std::string status_json(const Data& data, Instant now) {
  const auto time = [](const std::optional<Instant>& t) {
    return t ? Json(format_instant(*t)) : Json();
  };
  Json out = {{"format", "mxferry-status/1"},
              {"migration", escape_line(data.migration)},
              {"state", to_string(data.outcome)},
              {"text", sentence(data.outcome)},
              {"plan", escape_line(data.plan_hash)},
              {"time_scale", data.scale},
              {"started", time(data.started)},
              {"ended", time(data.ended)},
              {"heartbeat", time(data.heartbeat)},
              {"at_work", has_run_process(data, now)},
              {"retry_at", time(retry_at(data))},
              {"journal_intact", !data.journal_broken_at},
              {"stages", Json::array()},
              {"waiting", Json::array()},
              {"failed", Json::array()},
              {"mailboxes", Json::object()},
              {"findings", Json::array()}};
  for (const auto& stage : stages_of(data)) {
    Json item = {{"stage", to_string(stage.stage)}, {"total", stage.total}};
    for (const auto status : {StepStatus::pending, StepStatus::waiting, StepStatus::running,
                              StepStatus::unknown, StepStatus::done, StepStatus::failed,
                              StepStatus::parked, StepStatus::undone, StepStatus::waived})
      item[to_string(status)] = stage.of(status);
    out["stages"].push_back(std::move(item));
  }
  for (const auto& step : data.steps) {
    if (step.status != StepStatus::waiting && step.status != StepStatus::failed) continue;
    out[to_string(step.status)].push_back({{"step", escape_line(step.id)},
                                           {"why", escape_line(step.why)},
                                           {"not_before", time(step.not_before)}});
  }
  for (const auto& [state, n] : states_of(data)) out["mailboxes"][escape_line(state)] = n;
  std::int64_t source = 0, there = 0;
  for (const auto& box : data.mailboxes) {
    source += box.source.messages.value_or(0);
    there += box.destination.messages.value_or(0);
  }
  if (data.estimate)
    out["estimate"] = {{"least_ms", data.estimate->least.count()},
                       {"most_ms", data.estimate->most.count()},
                       {"basis", escape_line(data.estimate->basis)}};
  out["messages"] = {{"source", source}, {"destination", there}};
  for (const auto& line : data.findings)
    out["findings"].push_back({{"id", escape_line(line.finding.id)},
                               {"subject", escape_line(line.finding.subject)},
                               {"severity", to_string(line.finding.severity)},
                               {"text", escape_line(line.finding.text)},
                               {"remedy", escape_line(line.finding.remedy)},
                               {"accepted", escape_line(line.finding.accepted)}});
  return canonical_json(out) + "\n";
}

Result<std::string> status_text(store::Db& db, Instant now) {
  MXF_TRY(data, collect(db));
  return status_text(data, now);
}

Result<std::string> status_json(store::Db& db, Instant now) {
  MXF_TRY(data, collect(db));
  return status_json(data, now);
}

}  // namespace mxferry::report
