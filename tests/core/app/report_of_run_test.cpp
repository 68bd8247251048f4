// SPDX-License-Identifier: Apache-2.0
// What pipeline::RunStore writes is what report reads: the two floors never include each other, so
// their agreement about journal, DNS changes and rows is held here.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json_reader.hpp"
#include "pipeline/run_store.hpp"
#include "plan/plan_json.hpp"
#include "report/report.hpp"
#include "support/temp_dir.hpp"

namespace mxferry {
namespace {

Plan one_step_plan() {
  Plan plan;
  plan.id = "acme";
  Step step;
  step.id = "flip:example.com";
  step.stage = Stage::flip;
  step.subject = "example.com";
  step.action = TtlWaitAction{"example.com.", {"example.com./MX"}};
  plan.steps.push_back(std::move(step));
  DomainPlan domain;
  domain.name = "example.com";
  domain.zone = "example.com.";
  plan.domains.push_back(std::move(domain));
  plan.hash = plan::hash_of(plan);
  return plan;
}

TEST(ReportOfRun, ReadsWhatTheRunStoreWrote) {
  test::TempDir dir;
  auto state = store::StateFile::open(dir / "state.db", store::Access::act);
  ASSERT_TRUE(state) << state.error().message();
  ManualClock clock{Instant(Millis(1'795'428'000'000))};
  pipeline::RunStore store(*state, clock);
  const auto plan = one_step_plan();
  ASSERT_TRUE(store.freeze(plan));
  ASSERT_TRUE(store.begin_run(plan, 60));
  ASSERT_TRUE(store.set_step("flip:example.com", StepStatus::running, "", std::nullopt, true));
  const Json began = {{"state", "running"}};
  ASSERT_TRUE(store.journal("flip:example.com", "state", began));
  ZoneChange change;
  change.before = ZoneRRset{"example.com.", "MX", 300, "", {{"10 old.example."}}};
  change.after = ZoneRRset{"example.com.", "MX", 300, "", {{"10 new.example."}}};
  ZoneChange fresh;
  fresh.after = ZoneRRset{"new.example.com.", "TXT", 300, "", {{"\"x\""}}};
  clock.advance(Seconds(5));
  const auto intent = store.dns_intent("example.com.", "flip:example.com", {change, fresh});
  ASSERT_TRUE(intent) << intent.error().message();
  ASSERT_TRUE(store.dns_result(*intent, {"c-1"}));
  const Json seen = {{"waited_ms", 42000}};
  ASSERT_TRUE(store.journal("flip:example.com", "observation", seen));
  ASSERT_TRUE(store.approve(plan.hash, "flip", "ana", "normal", "yes"));
  Finding finding;
  finding.id = "MX-05";
  finding.subject = "example.com";
  finding.severity = Severity::warning;
  finding.text = "no MX";
  ASSERT_TRUE(store.put_finding(finding));
  pipeline::MailboxRow box;
  box.address = "ada@example.com";
  box.state = "verified";
  box.src_messages = 3;
  box.dst_messages = 3;
  const Json counts = {{"checked", 3}, {"equal", 3}, {"findings", 0}, {"bytes", 900}};
  box.verify = canonical_json(counts);
  ASSERT_TRUE(store.put_mailbox(box));
  ASSERT_TRUE(store.set_step("flip:example.com", StepStatus::done, "written"));

  auto data = report::collect(state->db());
  ASSERT_TRUE(data) << data.error().message();
  EXPECT_TRUE(data->problems.empty());
  EXPECT_EQ(data->journal_records, 5);
  EXPECT_FALSE(data->journal_broken_at.has_value()) << "the chain is computed alike";
  EXPECT_EQ(data->scale, 60);
  ASSERT_EQ(data->dns.size(), 1U);
  ASSERT_EQ(data->dns[0].changes.size(), 2U);
  EXPECT_EQ(data->dns[0].changes[0], change);
  EXPECT_EQ(data->dns[0].changes[1], fresh);
  EXPECT_EQ(data->dns[0].native_id, "c-1");
  EXPECT_EQ(data->domains[0].flipped, std::optional(clock.now()));
  ASSERT_EQ(data->gates.size(), 1U);
  EXPECT_NE(data->gates[0].proof.find("42000"), std::string::npos);
  EXPECT_EQ(data->approvals.at(0).who, "ana");
  EXPECT_EQ(data->mailboxes.at(0).destination.bytes, 900);
  EXPECT_EQ(data->outcome, report::Outcome::done_with_findings);
}

}  // namespace
}  // namespace mxferry
