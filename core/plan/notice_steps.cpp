// SPDX-License-Identifier: Apache-2.0
#include "plan/notice_steps.hpp"

namespace mxferry::plan {
namespace {

std::vector<std::string> audiences(const config::Notice& notice) {
  std::vector<std::string> out;
  if (!notice.enabled()) return out;
  if (notice.users) out.emplace_back("users");
  if (!notice.operators.empty()) out.emplace_back("operators");
  return out;
}

void add(Plan& plan, Stage stage, const std::string& domain, const std::string& when,
         const std::string& audience, std::vector<std::string> after, std::string title) {
  Step step;
  step.id = "notice-" + when + "-" + audience + ":" + domain;
  step.stage = stage;
  step.subject = domain;
  step.after = std::move(after);
  step.effect = Effect::notice;
  step.on_fail = OnFail::hold;
  step.title = std::move(title);
  NoticeAction action;
  action.domain = domain;
  action.audience = audience;
  action.when = when;
  step.action = std::move(action);
  plan.steps.push_back(std::move(step));
}

}  // namespace

void add_notices_before(Plan& plan, const config::PlanFile& file, const std::string& domain,
                        const std::vector<std::string>& mailboxes,
                        std::vector<std::string>& ready) {
  const auto to = audiences(file.notice);
  if (to.empty()) return;
  plan.policy["notice.lead"] = std::to_string(file.notice.lead.count()) + "ms";
  std::vector<std::string> copied = {"assess"};
  for (const auto& box : mailboxes) copied.push_back("bulk:" + box);
  std::vector<std::string> sent;
  for (const auto& audience : to) {
    add(plan, Stage::bulk, domain, "before", audience, copied,
        "tell the " + audience + " that their mail moves");
    sent.push_back("notice-before-" + audience + ":" + domain);
  }
  Step wait;
  wait.id = "notice-lead:" + domain;
  wait.stage = Stage::bulk;
  wait.subject = domain;
  wait.after = sent;
  wait.on_fail = OnFail::hold;
  wait.title = "the time that people have between the notice and the flip";
  wait.action = WaitAction{"notice lead", file.notice.lead, sent.back()};
  plan.steps.push_back(std::move(wait));
  ready.push_back("notice-lead:" + domain);
}

void add_notices_after(Plan& plan, const config::PlanFile& file, const std::string& domain) {
  for (const auto& audience : audiences(file.notice))
    add(plan, Stage::monitor, domain, "after", audience, {"canary-public:" + domain},
        "tell the " + audience + " that their mail has moved");
}

}  // namespace mxferry::plan
