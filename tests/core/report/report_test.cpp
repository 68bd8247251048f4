// SPDX-License-Identifier: Apache-2.0
#include "report/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/escape.hpp"
#include "core/report/filled_state.hpp"
#include "plan/assess.hpp"
#include "report/status.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Report : public ::testing::Test {
 protected:
  void SetUp() override {
    auto state = store::StateFile::open(dir_ / "state.db", store::Access::act);
    ASSERT_TRUE(state) << state.error().message();
    state_ = std::make_unique<store::StateFile>(std::move(*state));
    const auto filled = test::Filler(db()).fill();
    ASSERT_TRUE(filled) << filled.error().message();
  }
  store::Db& db() { return state_->db(); }
  Data data() {
    auto out = collect(db());
    EXPECT_TRUE(out) << out.error().message();
    return out ? std::move(*out) : Data();
  }
  Json json() {
    auto parsed = parse_json(to_json(data()), "report.json");
    EXPECT_TRUE(parsed) << parsed.error().message();
    return parsed ? *parsed : Json();
  }
  void sql(const std::string& text) {
    const auto done = db().run(text);
    ASSERT_TRUE(done) << done.error().message();
  }

  mxferry::test::TempDir dir_;
  std::unique_ptr<store::StateFile> state_;
};

// C0 (but for the newlines of the format itself), DEL, and anything that is not UTF-8.
void expect_clean(const std::string& text) {
  EXPECT_TRUE(is_utf8(text));
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    EXPECT_TRUE(byte >= 0x20 || c == '\n' || c == '\r') << static_cast<int>(byte);
    EXPECT_NE(byte, 0x7f);
  }
}

TEST_F(Report, SaysWhatWasCopiedAndVerifiedOnBothSides) {
  const auto all = json();
  EXPECT_EQ(all["format"], "mxferry-report/1");
  EXPECT_EQ(all["migration"], "acme");
  EXPECT_EQ(all["outcome"], "done_with_findings");
  EXPECT_EQ(all["plan"]["hash"], test::sample_plan().hash);
  EXPECT_EQ(all["run"]["time_scale"], 600);
  EXPECT_EQ(all["run"]["started"], "2026-11-23T10:00:00.000Z");
  EXPECT_EQ(all["run"]["ended"], "2026-11-23T11:06:00.000Z");
  ASSERT_EQ(all["mailboxes"].size(), 3U);
  const auto& ada = all["mailboxes"][1];
  EXPECT_EQ(ada["source"], Json({{"messages", 12345}, {"bytes", 734003200}}));
  EXPECT_EQ(ada["destination"]["bytes"], 734003200) << "equal by digest is equal in size";
  EXPECT_EQ(ada["verify"]["equal"], 12345);
  EXPECT_EQ(ada["stragglers"], 4);
  const auto& bob = all["mailboxes"][2];
  EXPECT_EQ(bob["state"], "parked");
  EXPECT_TRUE(bob["destination"]["bytes"].is_null()) << "unknown is not zero";
  EXPECT_EQ(bob["remedy"], "mend its password, then run the same command again");
  EXPECT_EQ(all["exceptions"][0]["source_uid"], 4294967295);
}

TEST_F(Report, ShowsEachDnsChangeBeforeAndAfter) {
  const auto changes = json()["dns_changes"];
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[1]["rrsets"][0]["before"], Json());
  EXPECT_EQ(changes[2]["step"], "flip:example.com");
  EXPECT_EQ(changes[2]["at"], "2026-11-23T10:45:00.000Z");
  EXPECT_EQ(changes[2]["rrsets"][0]["before"]["data"], Json({"10 mx.old.example."}));
  EXPECT_EQ(changes[2]["rrsets"][0]["after"]["data"],
            Json({"10 mx1.new.example.", "20 mx2.new.example."}));
  EXPECT_EQ(json()["domains"][0]["flipped"], "2026-11-23T10:45:00.000Z");
}

TEST_F(Report, SaysWhatEachGateProved) {
  const auto gates = json()["gates"];
  ASSERT_EQ(gates[0]["step"], "ttl-wait:example.com");
  EXPECT_EQ(gates[0]["proof"]["waited_ms"], 2280000);
  EXPECT_EQ(gates[0]["proof"]["servers"], 2);
  const auto canary = json()["canaries"][0];
  EXPECT_EQ(canary["step"], "canary-direct:example.com");
  EXPECT_EQ(canary["found"], "2026-11-23T10:43:00.000Z");
  EXPECT_EQ(json()["approvals"][0]["who"], "ana");
}

TEST_F(Report, SaysWhoWasToldAndWhoStillSendsToTheOldServer) {
  const auto all = json();
  ASSERT_EQ(all["notices"].size(), 1U);
  EXPECT_EQ(all["notices"][0]["taken"], 2);
  EXPECT_EQ(all["notices"][0]["refused"], 1);
  EXPECT_EQ(all["notices"][0]["sent"], "2026-11-23T10:04:00.000Z");
  ASSERT_EQ(all["stragglers"].size(), 2U);
  EXPECT_EQ(all["stragglers"][0]["messages"], 4);
  EXPECT_EQ(all["stragglers"][0]["host"], "mail.third.example");
  ASSERT_EQ(all["alerts"].size(), 1U);
  EXPECT_EQ(all["alerts"][0]["channel"], "mail");
  EXPECT_EQ(all["alerts"][0]["subject"], "bob@example.com");
  for (const char* title : {"Stragglers", "Notices", "Alerts"})
    EXPECT_THAT(to_html(data()), HasSubstr(">" + std::string(title) + "<"));
}

TEST_F(Report, ShowsWhatAssessFoundAndTheLastEstimate) {
  EXPECT_EQ(json()["estimate"], Json()) << "not known is null";
  const std::string address = "bob@example.com";
  const auto bob = [&] {
    const auto all = json();
    for (const auto& box : all["mailboxes"])
      if (box["address"] == address) return box;
    return Json();
  };
  ASSERT_TRUE(bob().is_object());
  EXPECT_EQ(bob()["inventory"], Json());
  EXPECT_THAT(to_html(data()), Not(HasSubstr("id=\"inventory\"")));
  MailboxInventory box;
  box.address = address;
  box.folders = 4;
  box.messages = 12;
  box.bytes = 3'000'000;
  box.renamed = {{"<b>\x1b", "Sent"}};
  sql("INSERT INTO observation(at, kind, subject, body) VALUES(1000, 'inventory', '" + address +
      "', '" + canonical_json(plan::to_json(box)) + "')");
  sql("INSERT INTO observation(at, kind, subject, body) VALUES(1000, 'estimate', 'acme', "
      "'{\"least_ms\":1,\"most_ms\":2,\"basis\":\"assumed\"}')");
  sql("INSERT INTO observation(at, kind, subject, body) VALUES(2000, 'estimate', 'acme', "
      "'{\"least_ms\":3600000,\"most_ms\":7200000,\"basis\":\"measured\"}')");
  const auto found = json();
  EXPECT_EQ(bob()["inventory"]["bytes"], 3'000'000);
  EXPECT_EQ(found["estimate"]["basis"], "measured") << "the last one counts";
  EXPECT_EQ(found["estimate"]["most_ms"], 7'200'000);
  const auto html = to_html(data());
  EXPECT_THAT(html, HasSubstr("id=\"inventory\""));
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;\\x1b becomes Sent"));
  EXPECT_THAT(html, HasSubstr("3.0 MB"));
  EXPECT_THAT(status_text(data(), Instant()), HasSubstr("copying everything takes 60 min to 2 h"));
  sql("INSERT INTO observation(at, kind, subject, body) VALUES(3000, 'estimate', 'acme', '[]')");
  EXPECT_GT(json()["problems"].size(), found["problems"].size()) << "unreadable is told";
}

TEST_F(Report, NotMovedIsNeverEmpty) {
  EXPECT_EQ(json()["not_moved"], Json({"calendars", "contacts"}));
  sql("DELETE FROM plan");
  EXPECT_GT(json()["not_moved"].size(), 2U);
  EXPECT_THAT(to_html(data()), HasSubstr("Not moved by mxferry"));
}

TEST_F(Report, ABrokenJournalShows) {
  EXPECT_EQ(json()["journal"]["intact"], true);
  sql("UPDATE journal SET body = '{\"state\":\"done\"}' WHERE seq = 3");
  EXPECT_EQ(json()["journal"]["intact"], false);
  EXPECT_EQ(json()["journal"]["broken_at"], 3);
  EXPECT_THAT(to_html(data()), HasSubstr("chain broken"));
}

TEST_F(Report, ARemovedJournalRecordShows) {
  sql("DELETE FROM journal WHERE seq = 4");
  EXPECT_EQ(json()["journal"]["broken_at"], 5);
}

TEST_F(Report, ADamagedPlanIsReportedAndTheRestStands) {
  sql("UPDATE plan SET body = '{'");
  const auto all = json();
  EXPECT_EQ(all["problems"].size(), 1U);
  EXPECT_EQ(all["mailboxes"].size(), 3U);
  EXPECT_EQ(all["steps"].size(), 12U);
}

TEST_F(Report, ARollbackSaysWhenAndWhatItStranded) {
  sql("INSERT INTO dns_change(zone, step, at, before, after, state) VALUES('example.com.', "
      "'rollback:example.com', 1795431000000, '[]', '[]', 'done')");
  sql("INSERT INTO journal(at, step, attempt, phase, body, prev_hash, hash) VALUES(1795431000000, "
      "'rollback:example.com', 0, 'result', '{\"domain\":\"example.com\",\"stranded\":7}', '', "
      "'')");
  const auto domain = json()["domains"][0];
  EXPECT_EQ(domain["rolled_back"], "2026-11-23T10:50:00.000Z");
  EXPECT_EQ(domain["stranded"], 7);
  EXPECT_THAT(to_html(data()), HasSubstr("7 messages stay"));
}

TEST_F(Report, OutcomeFollowsTheSteps) {
  const auto outcome = [&] { return to_string(data().outcome); };
  sql("DELETE FROM finding");
  EXPECT_EQ(outcome(), "done_with_findings") << "a parked mailbox is not done";
  sql("UPDATE mailbox SET state = 'verified'");
  sql("UPDATE step_state SET state = 'done'");
  EXPECT_EQ(outcome(), "done");
  sql("UPDATE step_state SET state = 'waiting', not_before = 5 WHERE step = 'monitor:example.com'");
  EXPECT_EQ(outcome(), "waiting");
  sql("UPDATE step_state SET state = 'waiting' WHERE step = 'approve:example.com'");
  EXPECT_EQ(outcome(), "waiting");
  sql("UPDATE step_state SET not_before = NULL, state = 'done' WHERE step = 'monitor:example.com'");
  EXPECT_EQ(outcome(), "waiting_for_person");
  sql("UPDATE step_state SET state = 'waiting' WHERE step = 'gate:example.com'");
  EXPECT_EQ(outcome(), "held");
  sql("UPDATE step_state SET state = 'failed' WHERE step = 'flip:example.com'");
  EXPECT_EQ(outcome(), "failed");
  sql("UPDATE run SET state = 'paused'");
  EXPECT_EQ(outcome(), "paused");
  sql("UPDATE run SET state = 'rolled_back'");
  EXPECT_EQ(outcome(), "rolled_back");
  sql("DELETE FROM run");
  EXPECT_EQ(outcome(), "not_started");
}

TEST_F(Report, HostileBytesAreNeutralInEveryFormat) {
  const auto all = data();
  for (const auto& text :
       {to_json(all), to_html(all), to_csv(all), status_text(all, Instant(Millis(test::kStart))),
        status_json(all, Instant(Millis(test::kStart)))})
    expect_clean(text);
  const auto html = to_html(all);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<i>new</i>")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, HasSubstr("\\xff")) << "the byte is shown, not lost";
  const auto csv = to_csv(all);
  EXPECT_THAT(csv, HasSubstr("\"'=cmd|")) << "a spreadsheet must not run it";
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4) << "a header and three mailboxes";
}

TEST_F(Report, TheHtmlLoadsNothing) {
  const auto html = to_html(data());
  for (const char* word :
       {"src=", "href=", "@import", "url(", "<link", "<script", "http://", "https://"})
    EXPECT_THAT(html, Not(HasSubstr(word))) << word;
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST_F(Report, FilesArePrivateAndReplacedWhole) {
  ::umask(0);
  const auto where = dir_ / "report";
  ASSERT_TRUE(write(db(), where));
  ASSERT_TRUE(write(db(), where));
  struct stat st {};
  ASSERT_EQ(::stat(where.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0700U);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(where)) {
    ++files;
    ASSERT_EQ(::stat(entry.path().c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777U, 0600U) << entry.path();
  }
  EXPECT_EQ(files, 3U);
  // For those who want to look at it.
  if (const char* keep = std::getenv("MXF_KEEP_REPORT"))
    std::filesystem::copy(where, keep,
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
}

TEST_F(Report, IsTheSameFromAReadOnlyFile) {
  const auto mine = to_json(data());
  auto db = store::Db::open(state_->path(), store::OpenMode::read_only);
  ASSERT_TRUE(db) << db.error().message();
  auto theirs = collect(*db);
  ASSERT_TRUE(theirs) << theirs.error().message();
  EXPECT_EQ(to_json(*theirs), mine);
}

TEST_F(Report, AnEmptyStateIsAReportToo) {
  mxferry::test::TempDir dir;
  auto state = store::StateFile::open(dir / "state.db", store::Access::act);
  ASSERT_TRUE(state);
  const auto all = collect(state->db());
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->outcome, Outcome::not_started);
  EXPECT_FALSE(all->not_moved.empty());
  expect_clean(to_html(*all));
}

TEST_F(Report, StatusSaysWhatWaitsAndUntilWhen) {
  const std::int64_t at = test::kStart + 10 * test::kMinute;
  sql("UPDATE step_state SET state = 'waiting', why = 'caches may hold the old TTL', not_before "
      "= " +
      std::to_string(at + 90'000) + " WHERE step = 'ttl-wait:example.com'");
  const auto text = status_text(db(), Instant(Millis(at)));
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("migration acme: waiting (time scale 600)"));
  EXPECT_THAT(*text, HasSubstr("waiting: ttl-wait:example.com\n    caches may hold the old TTL\n"));
  EXPECT_THAT(*text, HasSubstr("not before 2026-11-23T10:11:30.000Z, in 90 s"));
  EXPECT_THAT(*text, HasSubstr("mailboxes: 1 parked, 1 pending, 1 verified"));
  EXPECT_THAT(*text, HasSubstr("what to do: mend its password"));
  const auto json = status_json(db(), Instant(Millis(at)));
  ASSERT_TRUE(json);
  const auto parsed = parse_json(*json, "status");
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)["retry_at"], "2026-11-23T10:11:30.000Z");
  EXPECT_EQ((*parsed)["waiting"][0]["step"], "ttl-wait:example.com");
  EXPECT_EQ((*parsed)["mailboxes"]["parked"], 1);
}

TEST_F(Report, StatusSaysWhenNobodyIsAtWork) {
  sql("UPDATE step_state SET state = 'running' WHERE step = 'monitor:example.com'");
  const std::int64_t beat = test::kStart + 66 * test::kMinute;
  const auto fresh = status_text(db(), Instant(Millis(beat + 1000)));
  ASSERT_TRUE(fresh);
  EXPECT_THAT(*fresh, Not(HasSubstr("nobody is at work")));
  const auto stale = status_text(db(), Instant(Millis(beat + 120'000)));
  ASSERT_TRUE(stale);
  EXPECT_THAT(*stale, HasSubstr("nobody is at work on it: the last sign of life is 2 min old"));
}

}  // namespace
}  // namespace mxferry::report
