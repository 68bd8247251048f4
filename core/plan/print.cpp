// SPDX-License-Identifier: Apache-2.0
#include "plan/print.hpp"

#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "plan/plan_json.hpp"

namespace mxferry::plan {
namespace {

std::string steps_key(const Step& step) {
  Plan one;
  one.steps.push_back(step);
  return canonical_json(to_json(one)["steps"]);
}

}  // namespace

std::string print(const DnsEdit& edit) {
  std::string out;
  const std::string head = edit.name + " " + edit.type;
  if (edit.kind == DnsEdit::Kind::ttl)
    return "      ~ " + escape_line(head) + "  TTL -> " + std::to_string(edit.ttl.value_or(0)) +
           "\n";
  for (const auto& item : edit.before) out += "      - " + escape_line(head + "  " + item) + "\n";
  for (const auto& item : edit.after) out += "      + " + escape_line(head + "  " + item) + "\n";
  return out;
}

std::string print(const Plan& plan) {
  std::string out = "plan " + plan.id + ", revision " + std::to_string(plan.revision) + ", hash " +
                    plan.hash.substr(0, 16) + "\n";
  Stage stage = Stage::report;
  bool first = true;
  for (const auto& step : plan.steps) {
    if (first || step.stage != stage) out += "\n  [" + to_string(step.stage) + "]\n";
    first = false;
    stage = step.stage;
    out += "    " + escape_line(step.id) + ": " + step.title + "\n";
    if (const auto* change = std::get_if<DnsChangeAction>(&step.action))
      for (const auto& edit : change->edits) out += print(edit);
  }
  out += "\n  not moved by mxferry:";
  for (const auto& item : plan.not_moved) out += "\n    " + escape_line(item);
  return out + "\n";
}

std::string print(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& f : findings) {
    out += to_string(f.severity) + " " + f.id + " " + escape_line(f.subject) + ": " +
           escape_line(f.text) + "\n";
    if (!f.accepted.empty())
      out += "  accepted by the plan: " + escape_line(f.accepted) + "\n";
    else if (!f.remedy.empty())
      out += "  what to do: " + escape_line(f.remedy) + "\n";
  }
  return out;
}

std::string diff(const Plan& frozen, const Plan& fresh) {
  std::string out;
  for (const auto& step : frozen.steps) {
    const auto* other = fresh.find(step.id);
    if (other == nullptr)
      out += "- " + step.id + ": " + step.title + "\n";
    else if (steps_key(step) != steps_key(*other))
      out += "~ " + step.id + ": " + other->title + "\n";
  }
  for (const auto& step : fresh.steps)
    if (frozen.find(step.id) == nullptr) out += "+ " + step.id + ": " + step.title + "\n";
  for (const auto& [key, value] : fresh.policy) {
    const auto it = frozen.policy.find(key);
    if (it == frozen.policy.end() || it->second != value)
      out += "~ policy " + key + ": " + (it == frozen.policy.end() ? "none" : it->second) + " -> " +
             value + "\n";
  }
  return escape_line("") + out;
}

}  // namespace mxferry::plan
