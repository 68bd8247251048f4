// SPDX-License-Identifier: Apache-2.0
// mxferry retry and undo on what the run of a plan has copied, between two real Dovecots: the state
// is the one that the run's own engine made.
#include "integration/sync_pair.hpp"
#include "net/connector.hpp"
#include "pipeline/imap_engine.hpp"
#include "plan/plan_json.hpp"
#include "support/run_task.hpp"

namespace mxferry::test {
namespace {

constexpr const char* kPlan = R"toml([migration]
id = "alpha"
[source]
endpoint = "imap://OLD:143"
ca_file = "CA"
[dest]
endpoint = "imaps://NEW"
ca_file = "CA"
[mailboxes]
csv = "boxes.csv"
[[domain]]
name = "alpha.test"
mx = ["10 mx.new.test."]
spf = "v=spf1 -all"
dns = { plugin = "powerdns", set = { url = "http://127.77.0.53:8081" }, secret = { api_key = "env:KEY" } }
)toml";

class PlanCommands : public SyncPair {
 protected:
  PlanCommands() : SyncPair("127.77.71.106", "127.77.71.107") {}

  void SetUp() override {
    start();
    if (!ready) return;
    std::string text = kPlan;
    for (const auto& [from, to] : {std::pair<std::string, std::string>{"OLD", old_address},
                                   {"NEW", new_address},
                                   {"CA\"", (dir / "ca").string() + "/ca.pem\""},
                                   {"CA\"", (dir / "ca").string() + "/ca.pem\""}})
      text.replace(text.find(from), from.size(), to);
    std::ofstream(dir / "plan.toml") << text;
    const std::string secret = "file:" + (dir / "secret").string();
    std::ofstream(dir / "secret") << kPassword;
    std::filesystem::permissions(dir / "secret", std::filesystem::perms::owner_read);
    std::ofstream(dir / "boxes.csv") << "source,dest,source_secret,dest_secret\n"
                                     << kUser << ",," << secret << ',' << secret << "\n";
    fill(60);
  }

  // What a run leaves after its copy and verify; `with` is done to its state afterwards.
  void copy_as_a_run(const std::function<void(pipeline::RunStore&)>& with = nullptr) {
    auto file = config::read_plan_file(dir / "plan.toml");
    ASSERT_TRUE(file) << file.error().message();
    auto state = store::StateFile::open(dir / "plan.db", store::Access::act);
    ASSERT_TRUE(state) << state.error().message();
    const SystemClock clock;
    pipeline::RunStore run(*state, clock);
    Plan plan;
    plan.id = "alpha";
    DomainPlan domain;
    domain.name = "alpha.test";
    domain.zone = "alpha.test.";
    plan.domains.push_back(domain);
    const auto add = [&](const std::string& id, const std::string& subject, Action action) {
      Step step;
      step.id = id;
      step.subject = subject;
      step.action = std::move(action);
      plan.steps.push_back(std::move(step));
    };
    add("bulk:anna", kUser, CopyAction{CopyKind::bulk, kUser});
    add("verify:anna", kUser, VerifyAction{kUser});
    add("gate:alpha.test", "alpha.test", GateAction{"MB-01", "alpha.test"});
    add("flip:alpha.test", "alpha.test", DnsChangeAction{});
    plan.hash = plan::hash_of(plan);
    if (!*run.frozen_plan()) {
      ASSERT_TRUE(run.freeze(plan));
      ASSERT_TRUE(run.begin_run(plan, 1));
    }
    net::NetConnector connector;
    pipeline::ImapEngine engine(*file, &run, connector, clock);
    auto control = std::make_shared<copy::CopyControl>();
    auto report = run_task(engine.copy(file->mailboxes.front(), CopyKind::bulk, control, nullptr));
    ASSERT_TRUE(report) << report.error().message();
    for (const auto& step : plan.steps)
      if (step.id != "flip:alpha.test") {
        ASSERT_TRUE(run.set_step(step.id, StepStatus::done));
      }
    pipeline::MailboxRow row;
    row.address = kUser;
    row.state = "verified";
    row.copied = row.dst_messages = static_cast<std::int64_t>(report->known);
    ASSERT_TRUE(run.put_mailbox(row));
    if (with) with(run);
  }
  // Looks into the state; nothing is kept open.
  template <class Look>
  void look(Look look) {
    auto state = store::StateFile::open(dir / "plan.db", store::Access::read);
    ASSERT_TRUE(state) << state.error().message();
    const SystemClock clock;
    pipeline::RunStore run(*state, clock);
    look(run);
  }
  nlohmann::json on_plan(const std::string& command, int expected_exit,
                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {command, (dir / "plan.toml").string(), "--state",
                                      (dir / "plan.db").string(), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    CommandRun process(words, {});
    EXPECT_EQ(process.wait(), expected_exit) << process.out() << process.err();
    said = process.err();
    return nlohmann::json::parse(process.out(), nullptr, false);
  }
  std::string said;
};

TEST_F(PlanCommands, UndoTakesBackWhatTheRunCopiedAndTheRunCopiesAnew) {
  if (!ready) return;
  on_plan("undo", 2, {"--yes"});
  EXPECT_NE(said.find("no such state file"), std::string::npos) << said;
  const auto before = content(new_address);
  copy_as_a_run();
  const auto copied = content(new_address);
  EXPECT_NE(difference(copied, before), "");

  EXPECT_TRUE(on_plan("undo", 2).is_discarded()) << "nobody is there to confirm";
  EXPECT_TRUE(on_plan("undo", 2, {"--yes", "--mailbox", "eva@alpha.test"}).is_discarded());
  const auto planned = on_plan("undo", 0, {"--dry-run", "--folders"});
  EXPECT_EQ(planned["mailboxes"][0]["removed"], 69) << planned.dump();
  EXPECT_EQ(difference(content(new_address), copied), "");
  look([](pipeline::RunStore& run) {
    EXPECT_EQ(run.mailboxes()->at(kUser).state, "verified");
    EXPECT_EQ(run.steps()->at("gate:alpha.test").status, StepStatus::done);
  });

  const auto done = on_plan("undo", 0, {"--yes", "--folders", "--mailbox", kUser});
  EXPECT_EQ(done["plan"], "alpha");
  EXPECT_EQ(done["mailboxes"][0]["mailbox"], kUser);
  EXPECT_EQ(done["mailboxes"][0]["removed"], 69);
  EXPECT_EQ(difference(content(new_address), before), "");
  look([](pipeline::RunStore& run) {
    EXPECT_EQ(run.mailboxes()->at(kUser).state, "parked");
    EXPECT_EQ(run.steps()->at("bulk:anna").status, StepStatus::parked);
    EXPECT_EQ(run.steps()->at("verify:anna").status, StepStatus::parked);
    EXPECT_EQ(run.steps()->at("gate:alpha.test").status, StepStatus::pending);
    const auto findings = run.findings();
    ASSERT_TRUE(findings);
    ASSERT_EQ(findings->size(), 1U);
    EXPECT_EQ(findings->front().id, "MB-02");
  });
  copy_as_a_run();
  EXPECT_EQ(difference(content(new_address), copied), "");
}

TEST_F(PlanCommands, UndoRefusesWhereTheMxHasMoved) {
  if (!ready) return;
  copy_as_a_run([](pipeline::RunStore& run) {
    ASSERT_TRUE(run.dns_intent("alpha.test.", "flip:alpha.test", {}));
  });
  const auto copied = content(new_address);
  on_plan("undo", 6, {"--yes"});
  EXPECT_NE(said.find("UN-02"), std::string::npos) << said << " begun is enough: it may have moved";
  EXPECT_EQ(difference(content(new_address), copied), "");
  EXPECT_EQ(on_plan("undo", 0, {"--dry-run"})["exit"], 0);

  // Rolled back: the users are at the source again.
  copy_as_a_run([](pipeline::RunStore& run) {
    ASSERT_TRUE(run.set_step("flip:alpha.test", StepStatus::undone));
  });
  on_plan("undo", 0, {"--yes"});

  copy_as_a_run([](pipeline::RunStore& run) {
    ASSERT_TRUE(run.set_step("flip:alpha.test", StepStatus::done));
  });
  on_plan("undo", 6, {"--yes"});
  on_plan("undo", 0, {"--yes", "--accept-moved-mx"});
  look([](pipeline::RunStore& run) {
    EXPECT_EQ(run.steps()->at("gate:alpha.test").status, StepStatus::done) << "it is history";
  });
}

TEST_F(PlanCommands, RetryTriesAgainWhatTheRunRecordedAsRefused) {
  if (!ready) return;
  copy_as_a_run([&](pipeline::RunStore& run) {
    // As the run records a refusal, for a message that the destination takes by now.
    auto pair = copy::SyncStore::open(run.state().db(), kUser, kUser, kUser);
    ASSERT_TRUE(pair);
    const auto folders = pair->folders();
    ASSERT_TRUE(folders);
    for (const auto& folder : *folders) {
      if (folder.src_name != "Work") continue;
      const auto messages = pair->messages(folder);
      ASSERT_TRUE(messages);
      const auto& first = messages->front();
      imap::UidSet gone(first.dst);
      MailAccount account(new_address, 143, kUser, kPassword);
      account.command("SELECT Work");
      account.command("UID STORE " + gone.text() + " +FLAGS (\\Deleted)");
      account.command("UID EXPUNGE " + gone.text());
      ASSERT_TRUE(pair->remove_messages(folder, {first.src}));
      copy::BatchResult refused;
      refused.exceptions.push_back({first.src, "refused", "TOOBIG", "too big", 1});
      ASSERT_TRUE(pair->put_result(folder, refused));
      ASSERT_TRUE(pair->settle());
      Finding finding;
      finding.id = "MB-03";
      finding.subject = std::string(kUser) + " Work uid " + std::to_string(first.src.value);
      ASSERT_TRUE(run.put_finding(finding));
    }
  });
  EXPECT_EQ(on_plan("retry", 0, {"--mailbox", kUser, "--folder", "INBOX"})["mailboxes"][0]["tried"],
            0);
  const auto done = on_plan("retry", 0);
  EXPECT_EQ(done["mailboxes"][0]["tried"], 1) << done.dump();
  EXPECT_EQ(done["mailboxes"][0]["copied"], 1) << done.dump();
  EXPECT_EQ(content(new_address)["Work"].size(), content(old_address)["Work"].size());
  look([](pipeline::RunStore& run) { EXPECT_TRUE(run.findings()->empty()) << "it has its place"; });
  EXPECT_EQ(on_plan("retry", 0)["mailboxes"][0]["tried"], 0);
  EXPECT_TRUE(on_plan("retry", 2, {"--source", "imap://x@y"}).is_discarded());
}

}  // namespace
}  // namespace mxferry::test
