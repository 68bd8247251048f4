// SPDX-License-Identifier: Apache-2.0
// What sync leaves out, where it is told to put folders, and retry, between two real Dovecots.
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "integration/sync_pair.hpp"

namespace mxferry::test {
namespace {

class Choice : public SyncPair {
 protected:
  Choice() : SyncPair("127.77.71.13", "127.77.71.14") {}
};

TEST_F(Choice, AFilterNarrowsAndALaterRunBringsTheRest) {
  start();
  if (!ready) return;
  fill(240);
  auto first = run("sync", 0,
                   {"--since", "2015-01-01", "--max-size", "1M", "--skip-deleted",
                    "--exclude-folder", "Work", "--newest-first"});
  EXPECT_GT(first["copied"], 20);
  EXPECT_GT(first["filtered"], 20);
  EXPECT_EQ(first["copied"].get<int>() + first["filtered"].get<int>(), 249);
  for (const auto& [folder, mail] : content(new_address)) {
    EXPECT_NE(folder.substr(0, 4), "Work");
    for (const auto& entry : mail) EXPECT_EQ(entry.find("\\Deleted"), std::string::npos);
  }
  auto verified = run("verify");
  EXPECT_EQ(verified["filtered"], first["filtered"]);
  EXPECT_EQ(verified["equal"], first["copied"]);
  auto rest = run("sync");
  EXPECT_EQ(rest["copied"], first["filtered"]);
  EXPECT_EQ(difference(content(new_address), content(old_address)), "");
  EXPECT_EQ(run("verify")["equal"], 249);
}

TEST_F(Choice, AQuotaThatIsTooSmallIsToldBeforeAnythingIsCopied) {
  start();
  if (!ready) return;
  fill(20);
  // The server reads its users again after a while: what it tells decides when that is.
  const auto allow = [&](int megabytes) {
    std::ofstream(dir / "users") << kUser << ":{PLAIN}" << kPassword
                                 << "::::::userdb_quota_rule=*:storage=" << megabytes << "M\n";
    const std::string told = " " + std::to_string(megabytes * 1024) + ")";
    for (int tries = 0; tries < 300; ++tries) {
      MailAccount account(new_address, 143, kUser, kPassword);
      if (account.command("GETQUOTAROOT INBOX").find(told) != std::string::npos) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    FAIL() << "the server never told of " << megabytes << " MB";
  };
  allow(1);
  const auto before = content(new_address);
  const auto refused = run("sync", 6);
  EXPECT_NE(refused["message"].get<std::string>().find("QU-01"), std::string::npos)
      << refused.dump();
  EXPECT_TRUE(content(new_address) == before) << "not even a folder is made";
  allow(100);
  EXPECT_EQ(run("sync")["copied"], 29);
  EXPECT_EQ(difference(content(new_address), content(old_address)), "");
}

TEST_F(Choice, ABudgetOfADayEndsTheRunAndTheNextDoesNotBeginAnew) {
  start();
  if (!ready) return;
  fill(60);
  const std::vector<std::string> limits = {"--daily-budget", "20k", "--max-messages-rate", "20",
                                           "--no-wait"};
  const auto first = run("sync", 7, limits);
  EXPECT_NE(first["message"].get<std::string>().find("budget"), std::string::npos) << first.dump();
  const auto there = content(new_address);
  EXPECT_FALSE(there.empty());
  EXPECT_NE(difference(there, content(old_address)), "");
  run("sync", 7, limits);
  EXPECT_TRUE(content(new_address) == there) << "the day's budget was used up";
  run("sync");
  EXPECT_EQ(difference(content(new_address), content(old_address)), "");
}

TEST_F(Choice, AMapSendsFoldersElsewhereAndItsCollisionsComeFirst) {
  SyncOptions o;
  o.dest_separator = ".";
  o.dest_prefix = "INBOX.";
  start(o);
  if (!ready) return;
  fill(80);
  const auto file = (dir / "map.txt").string();
  std::ofstream(file) << "exact Work -> \"with blank\"\n";
  const auto before = content(new_address);
  run("sync", 2, {"--map", file});
  EXPECT_TRUE(content(new_address) == before) << "not even a folder is made";
  std::ofstream(file) << "exact R&D ->\n";
  CommandRun mistake(
      [&] {
        auto words = arguments("sync");
        words.insert(words.end(), {"--map", file});
        return words;
      }(),
      environment());
  EXPECT_EQ(mistake.wait(), 2);
  EXPECT_NE(mistake.err().find("map.txt:1:13"), std::string::npos) << mistake.err();
  std::ofstream(file) << "exact Work -> \"with blank\" merge\n"
                         "prefix Work/2019 -> \"Jahrg\u00e4nge 2019\"\n"
                         "re2 \"R(.)D\" -> \"Forschung \\1 Entwicklung\"\n";
  auto done = run("sync", 0, {"--map", file});
  EXPECT_EQ(done["copied"], 89);
  auto there = content(new_address);
  auto here = content(old_address);
  auto merged = here["Work"];
  merged.insert(merged.end(), here["with blank"].begin(), here["with blank"].end());
  std::sort(merged.begin(), merged.end());
  EXPECT_TRUE(there["INBOX.with blank"] == merged);
  EXPECT_TRUE(there["INBOX.Jahrg&AOQ-nge 2019.Q1"] == here["Work/2019/Q1"]);
  EXPECT_TRUE(there["INBOX.Forschung &- Entwicklung"] == here["R&-D"]);
  EXPECT_EQ(run("verify")["equal"], 89);
}

TEST_F(Choice, RetryBringsWhatTheDestinationTakesNow) {
  SyncOptions o;
  o.dest_mail = "/dev/shm/mxf-choice-" + std::to_string(::getpid());
  struct Cleaner {
    std::string folder;
    ~Cleaner() { std::filesystem::remove_all(folder); }
  } const cleaner{o.dest_mail};
  o.dest_capability = "IMAP4rev1 LITERAL+ UIDPLUS NAMESPACE MULTIAPPEND APPENDLIMIT=1000000";
  start(o);
  if (!ready) return;
  fill(20);
  EXPECT_EQ(run("sync", 1)["refused"], 2);
  auto tried = run("retry", 1);
  EXPECT_EQ(tried["tried"], 2);
  EXPECT_EQ(tried["copied"], 0);
  EXPECT_EQ(tried["messages"][0]["outcome"], "refused");
  o.dest_capability = "";
  start_new(o);
  const auto uid = std::to_string(tried["messages"][0]["uid"].get<int>());
  tried = run("retry", 0, {"--folder", "INBOX", "--uid", uid});
  EXPECT_EQ(tried["copied"], 1);
  tried = run("retry");
  EXPECT_EQ(tried["copied"], 1);
  EXPECT_EQ(run("retry")["tried"], 0);
  EXPECT_EQ(difference(content(new_address), content(old_address)), "");
  EXPECT_EQ(run("sync")["copied"], 0);
}

TEST_F(Choice, MovesAtTheSourceAreFollowedAndDeletionsPutAsideWhenAsked) {
  start();
  if (!ready) return;
  fill(80);
  run("sync");
  const auto at_source = [&](const std::string& folder, const std::string& command) {
    MailAccount account(old_address, 143, kUser, kPassword);
    account.command("SELECT \"" + folder + "\"");
    account.command(command);
  };
  at_source("INBOX", "MOVE 2:4 Work");
  at_source("Sent", "MOVE 1 Empty");
  auto killed = environment();
  killed["MXFERRY_DEBUG_KILL_AT"] = "move.answered:2";
  {
    CommandRun process(arguments("sync"), killed);
    EXPECT_EQ(process.wait(), 137) << process.out() << process.err();
  }
  auto delta = run("sync");
  EXPECT_EQ(delta["copied"], 1) << "the one whose answer was lost is looked up";
  EXPECT_EQ(delta["moved"], 2);
  EXPECT_EQ(delta["gone"], 0);
  EXPECT_EQ(difference(content(new_address), content(old_address)), "");
  EXPECT_EQ(run("verify")["equal"], 89);

  at_source("Work", "STORE 1:2 +FLAGS.SILENT (\\Deleted)");
  at_source("Work", "EXPUNGE");  // with those that had the flag before
  delta = run("sync");
  const auto gone = delta["gone"].get<std::size_t>();
  EXPECT_GE(gone, 2U);
  EXPECT_EQ(delta["quarantined"], 0);
  delta = run("sync", 0, {"--quarantine", "Deleted at the source"});
  EXPECT_EQ(delta["quarantined"], gone);
  auto there = content(new_address);
  EXPECT_EQ(there["Deleted at the source"].size(), gone);
  there.erase("Deleted at the source");
  EXPECT_EQ(difference(there, content(old_address)), "");
}

}  // namespace
}  // namespace mxferry::test
