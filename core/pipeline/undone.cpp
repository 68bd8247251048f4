// SPDX-License-Identifier: Apache-2.0
#include "pipeline/undone.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mxferry::pipeline {
namespace {

bool is_done(const std::map<std::string, StepRow>& rows, const Step& step) {
  const auto it = rows.find(step.id);
  return it != rows.end() && it->second.status != StepStatus::pending;
}

}  // namespace

Result<std::optional<std::string>> moved_domain(RunStore& store, const Plan& plan,
                                                const config::Mailbox& box) {
  MXF_TRY(steps, store.steps());
  for (const auto& domain : plan.domains) {
    if (!config::belongs_to(box, domain.name)) continue;
    const std::string flip = "flip:" + domain.name;
    const auto row = steps.find(flip);
    if (row != steps.end() && row->second.status == StepStatus::undone) continue;
    MXF_TRY(writes, store.dns_writes(domain.zone));
    const bool written =
        std::any_of(writes.begin(), writes.end(),
                    [&](const RunStore::DnsWrite& write) { return write.step == flip; });
    // A flip that found its records in place has written nothing and is done all the same.
    const bool done = row != steps.end() && row->second.status == StepStatus::done;
    if (written || done) return std::optional<std::string>(domain.name);
  }
  return std::optional<std::string>();
}

Result<void> note_undone(RunStore& store, const Plan& plan, const config::Mailbox& box) {
  MXF_TRY(steps, store.steps());
  MXF_TRY(moved, moved_domain(store, plan, box));
  for (const auto& step : plan.steps) {
    const bool of_mailbox =
        step.subject == box.dest && (std::holds_alternative<CopyAction>(step.action) ||
                                     std::holds_alternative<VerifyAction>(step.action));
    const auto* gate = std::get_if<GateAction>(&step.action);
    // Behind the flip its gate is history.
    const bool of_gate = gate != nullptr && !moved && config::belongs_to(box, gate->domain);
    if (!is_done(steps, step)) continue;
    if (of_mailbox)
      MXF_CHECK(store.set_step(step.id, StepStatus::parked, "its mail was taken back"));
    if (of_gate) MXF_CHECK(store.set_step(step.id, StepStatus::pending, "mail was taken back"));
  }
  MailboxRow row;
  MXF_TRY(rows, store.mailboxes());
  if (const auto it = rows.find(box.dest); it != rows.end()) row = it->second;
  row.address = box.dest;
  row.state = "parked";
  row.words = "its mail was taken back (mxferry undo)";
  row.copied = row.dst_messages = row.dst_bytes = 0;
  row.delta_at.reset();
  row.verified_at.reset();
  row.verify.clear();
  MXF_CHECK(store.put_mailbox(row));
  Finding finding;
  finding.id = "MB-02";
  finding.subject = box.dest;
  finding.severity = Severity::warning;
  finding.text = "the mailbox is parked: " + row.words;
  finding.remedy = "mxferry run copies it anew; or take it out of the list of mailboxes";
  MXF_CHECK(store.put_finding(finding));
  const Json body = {{"mailbox", box.dest}, {"state", "parked"}, {"why", row.words}};
  return store.journal("mailbox:" + box.dest, "state", body);
}

}  // namespace mxferry::pipeline
