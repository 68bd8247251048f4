// SPDX-License-Identifier: Apache-2.0
#include "plan/mailbox_steps.hpp"

#include <algorithm>
#include <utility>

namespace mxferry::plan {

void add_mailbox_steps(Plan& plan, const config::PlanFile& file, bool dest_has_accounts) {
  const auto add = [&](Step step) { plan.steps.push_back(std::move(step)); };
  std::vector<std::string> pilots;
  const auto is_pilot = [&](const config::Mailbox& box) {
    return std::find(file.pilot.begin(), file.pilot.end(), box.dest) != file.pilot.end() ||
           std::find(file.pilot.begin(), file.pilot.end(), box.source) != file.pilot.end();
  };
  for (const auto& box : file.mailboxes) {
    std::vector<std::string> after = {"assess"};
    if (dest_has_accounts) {
      add({"provision:" + box.dest,
           Stage::provision,
           box.dest,
           {"assess"},
           Effect::account,
           OnFail::park,
           "account, aliases and quota at the destination",
           ProvisionAction{box.dest}});
      after = {"provision:" + box.dest};
    }
    if (!is_pilot(box)) continue;
    add({"pilot:" + box.dest, Stage::pilot, box.dest, after, Effect::mail, OnFail::park,
         "copy a pilot mailbox, routing unchanged", CopyAction{CopyKind::bulk, box.dest}});
    add({"pilot-verify:" + box.dest,
         Stage::pilot,
         box.dest,
         {"pilot:" + box.dest},
         Effect::read,
         OnFail::park,
         "compare the pilot mailbox message by message",
         VerifyAction{box.dest}});
    pilots.push_back("pilot-verify:" + box.dest);
  }
  for (const auto& box : file.mailboxes) {
    std::vector<std::string> after = pilots;
    after.push_back(dest_has_accounts ? "provision:" + box.dest : "assess");
    add({"bulk:" + box.dest, Stage::bulk, box.dest, after, Effect::mail, OnFail::park,
         "copy everything", CopyAction{CopyKind::bulk, box.dest}});
    add({"deltas:" + box.dest,
         Stage::bulk,
         box.dest,
         {"bulk:" + box.dest},
         Effect::mail,
         OnFail::park,
         "copy what is new, again and again",
         CopyAction{CopyKind::deltas, box.dest}});
  }
}

}  // namespace mxferry::plan
