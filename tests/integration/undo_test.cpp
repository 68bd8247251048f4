// SPDX-License-Identifier: Apache-2.0
// mxferry undo on a real Dovecot: what sync appended goes, all else stays, wherever it is killed.
#include "integration/sync_pair.hpp"

namespace mxferry::test {
namespace {

class Undo : public SyncPair {
 protected:
  Undo() : SyncPair("127.77.71.11", "127.77.71.12") {}
  // The destination alone, as an operator would who has no access to the source any more.
  std::vector<std::string> undo_arguments() const {
    std::vector<std::string> out = {"undo"};
    const auto all = arguments("undo");
    for (std::size_t i = 1; i + 1 < all.size(); i += 2)
      if (!all[i].starts_with("--source")) out.insert(out.end(), {all[i], all[i + 1]});
    out.insert(out.end(), {"--json", "--yes", "--folders"});
    return out;
  }
  nlohmann::json undo(int expected_exit, const std::string& kill_at = "") {
    auto variables = environment();
    variables.erase("SRC");
    if (!kill_at.empty()) variables["MXFERRY_DEBUG_KILL_AT"] = kill_at;
    CommandRun process(undo_arguments(), variables);
    EXPECT_EQ(process.wait(), expected_exit) << process.out() << process.err();
    return nlohmann::json::parse(process.out(), nullptr, false);
  }
};

TEST_F(Undo, TakesBackWhatSyncAppendedAndNothingElse) {
  start();
  if (!ready) return;
  fill(240);
  {
    MailAccount there(new_address, 143, kUser, kPassword);
    there.append("INBOX", "Subject: mine\r\n\r\nbefore the copy\r\n", "\\Seen");
    there.append("INBOX", "Subject: 8bit \xfc\xf6\r\n\r\n\xe4\r\n");  // at the source too: adopted
    there.command("CREATE Mine");
    there.append("Mine", "Subject: my folder\r\n\r\n");
  }
  const auto before = content(new_address);
  const auto at_source = content(old_address);
  EXPECT_EQ(run("sync")["adopted"], 1);
  {
    CommandRun asks(
        [&] {
          auto words = undo_arguments();
          std::erase(words, "--yes");
          return words;
        }(),
        environment());
    EXPECT_EQ(asks.wait(), 2) << "nobody is there to confirm";
  }
  EXPECT_EQ(undo(137, "undo.intent").is_discarded(), true);
  EXPECT_EQ(run("sync", 6).is_object(), true) << "no copy while an undo is open";
  EXPECT_EQ(undo(137, "undo.expunged:2").is_discarded(), true);
  EXPECT_EQ(undo(137, "undo.recorded").is_discarded(), true);
  auto done = undo(0);
  EXPECT_EQ(done["adopted"], 1);
  EXPECT_TRUE(content(new_address) == before);
  EXPECT_TRUE(content(old_address) == at_source);
  // A copy after it brings all of it again.
  EXPECT_EQ(run("sync")["known"], 249);

  // Read, flagged or moved by its user: it is theirs now.
  std::size_t kept = 0;
  {
    MailAccount there(new_address, 143, kUser, kPassword);
    there.command("SELECT Work");
    there.command("STORE 1:3 +FLAGS (mine)");
    there.command("COPY 4 Mine");
    kept = there.messages("Mine").size();
  }
  done = undo(1);
  EXPECT_EQ(done["left"].size(), 4U) << done.dump() << " three messages and their folder";
  MailAccount there(new_address, 143, kUser, kPassword);
  EXPECT_EQ(there.messages("Work").size(), 3U);
  EXPECT_EQ(there.messages("Mine").size(), kept);
}

TEST_F(Undo, WithoutUidplusItSaysSoAndRemovesNothing) {
  SyncOptions o;
  o.dest_capability = "IMAP4rev1 LITERAL+ NAMESPACE";
  start(o);
  if (!ready) return;
  fill(20);
  run("sync");
  auto before = content(new_address);
  before.erase("Empty");  // of our making, and empty: --folders
  auto done = undo(1);
  EXPECT_EQ(done["removed"], 0);
  EXPECT_TRUE(content(new_address) == before);
}

}  // namespace
}  // namespace mxferry::test
