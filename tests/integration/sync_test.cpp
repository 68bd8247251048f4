// SPDX-License-Identifier: Apache-2.0
// mxferry sync and verify between two real Dovecots: byte-exact, once, whatever the servers lack
// and wherever it dies.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "integration/sync_pair.hpp"

namespace mxferry::test {
namespace {

constexpr const char* kOld = "127.77.60.11";
constexpr const char* kNew = "127.77.60.12";
class Sync : public SyncPair {
 protected:
  Sync() : SyncPair(kOld, kNew) {}
  using Options = SyncOptions;
};

// INTERNALDATE is the same instant, spelled in the server's own zone: both Dovecots use the same
// one.

TEST_F(Sync, CopiesAWholeMailboxByteExactlyAndTheSecondRunNothing) {
  start();
  if (!ready) return;
  fill(240);
  const auto before = content(kOld);
  auto first = run("sync");
  EXPECT_EQ(first["copied"], 249);
  EXPECT_EQ(content(kNew), before);
  EXPECT_EQ(content(kOld), before) << "the source is never changed";
  {
    MailAccount account(kNew, 143, kUser, kPassword);
    EXPECT_NE(account.command("LSUB \"\" *").find("Work/2019"), std::string::npos);
  }
  auto second = run("sync");
  EXPECT_EQ(second["copied"], 0);
  EXPECT_EQ(second["known"], 249);
  for (const auto& folder : second["folders"])
    EXPECT_TRUE(folder["unchanged"] == true) << folder.dump();
  auto verified = run("verify");
  EXPECT_EQ(verified["equal"], 249);

  // New mail, a changed flag, a change by the destination's user.
  {
    MailAccount account(kOld, 143, kUser, kPassword);
    account.append("INBOX", "Subject: new\r\n\r\n");
    account.command("SELECT Work");
    account.command("STORE 1 +FLAGS (\\Flagged later)");
    MailAccount there(kNew, 143, kUser, kPassword);
    there.command("SELECT Work");
    there.command("STORE 1 +FLAGS (mine)");
  }
  auto delta = run("sync");
  EXPECT_EQ(delta["copied"], 1);
  EXPECT_EQ(delta["flags_changed"], 1);
  {
    MailAccount there(kNew, 143, kUser, kPassword);
    const auto flags = there.messages("Work").front().flags;
    for (const auto* flag : {"\\Flagged", "later", "mine"})
      EXPECT_NE(flags.find(flag), std::string::npos) << flags;
  }

  // Tampered with at the destination: verify says so.
  {
    MailAccount there(kNew, 143, kUser, kPassword);
    there.command("SELECT Sent");
    there.command("STORE 1 +FLAGS (\\Deleted)");
    there.command("EXPUNGE");
  }
  std::string output;
  // One octet of one stored file, of equal length.
  ASSERT_TRUE(run_shell("f=$(grep -rlE '^Subject: number 8.?$' \"$(readlink -f '" +
                            (new_server->dir() / "mail").string() +
                            "')\" | head -1) && sed -i 's/^Subject: number 8/Subject: number 9/' "
                            "\"$f\" && echo \"$f\"",
                        &output))
      << output;
  auto tampered = run("verify", 1);
  std::map<std::string, int> kinds;
  for (const auto& finding : tampered["findings"]) ++kinds[finding["kind"].get<std::string>()];
  EXPECT_GE(kinds["missing"], 1);
  EXPECT_EQ(kinds["altered"], 1) << tampered.dump();
}

TEST_F(Sync, WorksWithoutTheExtensionsOneByOne) {
  for (const std::string capability :
       {"IMAP4rev1 SASL-IR LITERAL+ UIDPLUS", "IMAP4rev1 LITERAL+ MULTIAPPEND",
        "IMAP4rev1 LITERAL- UIDPLUS MULTIAPPEND CONDSTORE", "IMAP4rev1"}) {
    SCOPED_TRACE(capability);
    old_server.reset();
    new_server.reset();
    std::filesystem::remove_all(dir / "ca");
    std::filesystem::remove(dir / "state.db");
    Options o;
    o.source_capability = o.dest_capability = capability;
    start(o);
    if (!ready) return;
    fill(80);
    auto first = run("sync");
    EXPECT_EQ(first["copied"], 89);
    EXPECT_EQ(content(kNew), content(kOld));
    EXPECT_EQ(run("sync")["copied"], 0);
    EXPECT_EQ(run("verify")["equal"], 89);
    ready = false;
  }
}

TEST_F(Sync, OtherDelimiterAndNamespace) {
  Options o;
  o.dest_separator = ".";
  o.dest_prefix = "INBOX.";
  start(o);
  if (!ready) return;
  fill(40);
  EXPECT_EQ(run("sync")["copied"], 49);
  const auto there = content(kNew, [](std::string name) {
    if (name.starts_with("INBOX.")) name = name.substr(6);
    std::replace(name.begin(), name.end(), '.', '/');
    return name;
  });
  EXPECT_EQ(there, content(kOld));
  EXPECT_EQ(run("verify")["equal"], 49);
}

TEST_F(Sync, LostStateIsRebuiltFromContent) {
  start();
  if (!ready) return;
  fill(60);
  run("sync");
  std::filesystem::remove(dir / "state.db");
  auto again = run("sync");
  EXPECT_EQ(again["copied"], 0);
  EXPECT_EQ(again["adopted"], 69);
  EXPECT_EQ(content(kNew), content(kOld));
}

TEST_F(Sync, KilledAnywhereTheSameCommandEndsAsIfNothingHadHappened) {
  start();
  if (!ready) return;
  fill(800);
  const auto expected = content(kOld);
  // A process that is killed as soon as the destination holds more than it did: in the middle of
  // batches.
  for (int kill_number = 0; kill_number < 3; ++kill_number) {
    CommandRun process(arguments("sync"), environment());
    const auto size = [&] {
      std::size_t n = 0;
      const auto mail = std::filesystem::canonical(new_server->dir() / "mail");
      std::error_code ignored;
      for (auto it = std::filesystem::recursive_directory_iterator(mail, ignored);
           it != std::filesystem::recursive_directory_iterator(); it.increment(ignored))
        n += it->path().parent_path().filename() == "cur" ||
                     it->path().parent_path().filename() == "tmp"
                 ? 1
                 : 0;
      return n;
    };
    const auto start_size = size();
    while (process.running() && size() <= start_size + 20) std::this_thread::yield();
    process.kill(SIGKILL);
    process.wait();
  }
  run("sync");
  EXPECT_EQ(content(kNew), expected);
  EXPECT_EQ(run("sync")["copied"], 0);
}

TEST_F(Sync, AWrongPasswordIsTriedOnce) {
  start();
  if (!ready) return;
  CommandRun process(arguments("sync"), {{"SRC", kPassword}, {"DST", "wrong-Secret-7"}});
  EXPECT_EQ(process.wait(), 3);
  EXPECT_NE(process.err().find(kUser), std::string::npos) << process.err();
  EXPECT_EQ(process.err().find("wrong-Secret-7"), std::string::npos);
  const auto log = new_server->file("log");
  std::size_t attempts = 0;
  for (auto at = log.find("auth failed"); at != std::string::npos;
       at = log.find("auth failed", at + 1))
    ++attempts;
  EXPECT_LE(attempts, 1U) << log;
}

TEST_F(Sync, ASignalEndsItResumably) {
  start();
  if (!ready) return;
  fill(600);
  {
    CommandRun process(arguments("sync"), environment());
    while (process.running() && !std::filesystem::exists(dir / "state.db"))
      std::this_thread::yield();
    process.kill(SIGTERM);
    const auto code = process.wait();
    EXPECT_TRUE(code == 5 || code == 0 || code == 128 + SIGTERM) << code << process.err();
  }
  run("sync");
  EXPECT_EQ(content(kNew), content(kOld));
}

TEST_F(Sync, UsageErrorsComeBeforeAnyConnection) {
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"sync"},
           {"sync", "--source", "imap://a:secret@h:1", "--source-secret", "env:SRC", "--dest",
            "imap://b@h:1", "--dest-secret", "env:DST", "--state", (dir / "x.db").string()},
           {"sync", "--nonsense"},
           {"sync", "--source", "imap://a@h:1", "--source-secret", "thesecret", "--dest",
            "imap://b@h:1", "--dest-secret", "env:DST", "--state", (dir / "x.db").string()}}) {
    CommandRun process(args, environment());
    EXPECT_EQ(process.wait(), 2) << process.err();
    EXPECT_EQ(process.err().find("secret@"), std::string::npos);
    EXPECT_EQ(process.err().find("thesecret"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "x.db"));
}

TEST_F(Sync, ASpotCheckShowsWhatAPersonWouldLookAt) {
  start();
  if (!ready) return;
  {
    MailAccount account(kOld, 143, kUser, kPassword);
    account.append("INBOX",
                   "Subject: secret-subject\r\nFrom: secret-sender@x\r\nMIME-Version: 1.0\r\n"
                   "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
                   "Content-Type: application/pdf; name=\"secret-name.pdf\"\r\n"
                   "Content-Disposition: attachment; filename=\"secret-name.pdf\"\r\n\r\n"
                   "12345\r\n--b--\r\n",
                   "", "17-Jul-2020 02:44:25 +0200");
    for (int i = 0; i < 30; ++i)
      account.append("INBOX", "Subject: " + std::to_string(i) + "\r\n\r\nx\r\n", "\\Seen");
  }
  run("sync");
  const auto sample = [&](std::vector<std::string> more, int expected) {
    auto args = arguments("verify");
    args.insert(args.end(), more.begin(), more.end());
    CommandRun process(args, environment());
    EXPECT_EQ(process.wait(), expected) << process.out() << process.err();
    return nlohmann::json::parse(process.out(), nullptr, false);
  };
  auto all = sample({"--sample", "100"}, 0);
  ASSERT_EQ(all["messages"].size(), 31U);
  const auto& first = all["messages"][0];
  for (const auto* side : {"source", "destination"}) {
    EXPECT_EQ(first[side]["read"], false);
    ASSERT_EQ(first[side]["attachments"].size(), 1U) << first.dump(1);
    EXPECT_EQ(first[side]["attachments"][0]["name"], "secret-name.pdf");
    EXPECT_EQ(first[side]["attachments"][0]["octets"], 5);
  }
  EXPECT_EQ(all.dump().find("secret-subject"), std::string::npos);
  for (const auto& folder : all["folders"])
    if (folder["source"] == "INBOX") {
      EXPECT_EQ(folder["source_messages"], 31);
      EXPECT_EQ(folder["destination_messages"], 31);
    }
  const auto few = sample({"--sample", "5", "--seed", "7"}, 0);
  EXPECT_EQ(few["messages"].size(), 5U);
  EXPECT_EQ(few, sample({"--sample", "5", "--seed", "7"}, 0)) << "the same seed, the same mail";
  EXPECT_NE(sample({"--sample", "100", "--subjects"}, 0).dump().find("secret-subject"),
            std::string::npos);

  // Read at the destination, one gone there; the source is as it was.
  {
    MailAccount there(kNew, 143, kUser, kPassword);
    there.command("SELECT INBOX");
    there.command("STORE 1 +FLAGS (\\Seen)");
    there.command("STORE 2 +FLAGS (\\Deleted)");
    there.command("EXPUNGE");
  }
  const auto changed = sample({"--sample", "100"}, 1);
  EXPECT_EQ(changed["messages"][0]["differs"], nlohmann::json({"read"}));
  EXPECT_EQ(changed["messages"][1]["differs"], nlohmann::json({"destination"}));
  MailAccount account(kOld, 143, kUser, kPassword);
  EXPECT_EQ(account.messages("INBOX").at(0).flags.find("Seen"), std::string::npos);
  std::string output;
  EXPECT_FALSE(
      run_shell("grep -rlE 'secret-(subject|sender|name)' '" + dir.path().string() + "'", &output))
      << "content in state or log: " << output;
}

TEST_F(Sync, ABackupIsCheckedComparedAndRestored) {
  start();
  if (!ready) return;
  fill(60);
  const auto before = content(kOld);
  const std::string where = (dir / "backup").string();
  const auto with = [&](std::vector<std::string> words, int expected_exit = 0) {
    CommandRun process(words, environment());
    EXPECT_EQ(process.wait(), expected_exit) << process.out() << process.err();
    return nlohmann::json::parse(process.out(), nullptr, false);
  };
  auto backup = arguments("backup");
  backup.erase(backup.begin() + 5, backup.begin() + 11);  // no --dest, its secret, --state
  backup.insert(backup.end(), {"--to", where});
  EXPECT_EQ(with(backup)["copied"], 69);
  EXPECT_EQ(with(backup)["copied"], 0);
  EXPECT_EQ(with({"backup", "--to", where, "--check", "--json"})["equal"], 69);

  auto verify = arguments("verify");
  verify[6] = "maildir:" + where;
  verify.erase(verify.begin() + 7, verify.begin() + 9);  // no secret
  verify[8] = where + "/mxferry.state";
  EXPECT_EQ(with(verify)["equal"], 69);

  auto restore = arguments("sync");
  restore[2] = "maildir:" + where;
  restore.erase(restore.begin() + 3, restore.begin() + 5);
  EXPECT_EQ(with(restore)["copied"], 69);
  EXPECT_EQ(with(restore)["copied"], 0);
  EXPECT_EQ(content(kNew), before);
}

}  // namespace
}  // namespace mxferry::test
