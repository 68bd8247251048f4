// SPDX-License-Identifier: Apache-2.0
// Undo takes back what was appended and nobody changed, and nothing else, wherever it is cut off.
#include "copy/undo.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "copy/sync_store.hpp"
#include "core/copy/copy_fixture.hpp"
#include "core/copy/dying_state.hpp"
#include "store/state_file.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::copy {
namespace {

class Undo : public CopyFixture {
 protected:
  Result<UndoReport> undo(SyncState& durable, const UndoOptions& what = {}) {
    auto job = job_with(durable);
    job.open_source = nullptr;
    return test::run_task(run_undo(job, what));
  }
  Result<UndoReport> undo(const UndoOptions& what = {}) { return undo(state, what); }
  std::size_t left_at(const std::string& wire) { return target.folder(wire).messages.size(); }
};

bool says(const UndoReport& report, const std::string& words) {
  return std::any_of(report.left.begin(), report.left.end(), [&](const UndoLeft& left) {
    return left.why.find(words) != std::string::npos;
  });
}

TEST_F(Undo, RemovesAllThatWasAppendedAndALaterCopyBringsItAgain) {
  fill(700);
  ASSERT_TRUE(run());
  target.add("INBOX", mail(9001));  // the user's own
  auto report = undo();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->removed, 705U);
  EXPECT_TRUE(report->left.empty());
  EXPECT_EQ(target.bodies("INBOX"), std::vector<std::string>{mail(9001)});
  EXPECT_TRUE(target.bodies("Work/2019").empty());
  EXPECT_TRUE(target.folders.contains("Work/2019")) << "folders stay unless asked";
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 705U);
}

TEST_F(Undo, WhatWasThereBeforeStays) {
  source.add("INBOX", mail(1));
  source.add("INBOX", mail(2));
  target.add("INBOX", mail(1));
  ASSERT_TRUE(run());
  auto report = undo();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->removed, 1U);
  EXPECT_EQ(report->adopted, 1U);
  EXPECT_TRUE(report->left.empty());
  EXPECT_EQ(target.bodies("INBOX"), std::vector<std::string>{mail(1)});
}

TEST_F(Undo, WhatWasChangedMovedOrReplacedStaysAndIsTold) {
  for (int i = 0; i < 5; ++i) source.add("INBOX", mail(i));
  ASSERT_TRUE(run());
  auto& inbox = target.folder("INBOX");
  inbox.messages[0].flags.add("\\Seen");             // read by its user
  inbox.messages[1].body = mail(77);                 // a server that reuses a UID
  inbox.messages.erase(inbox.messages.begin() + 2);  // removed by its user
  auto report = undo();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->removed, 2U);
  EXPECT_EQ(report->gone, 1U);
  EXPECT_EQ(report->left.size(), 2U);
  EXPECT_TRUE(says(*report, "flags were changed"));
  EXPECT_TRUE(says(*report, "header"));
  EXPECT_EQ(left_at("INBOX"), 2U);
}

TEST_F(Undo, FlagsThatWeChangedOurselvesAreNoChange) {
  source.add("INBOX", mail(1));
  ASSERT_TRUE(run());
  auto& message = source.folder("INBOX").messages[0];
  message.flags.add("\\Flagged");
  message.modseq = ++source.folder("INBOX").modseq;
  ASSERT_TRUE(run());
  auto report = undo();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->removed, 1U);
}

TEST_F(Undo, WithoutUidplusNothingIsRemovedAndItIsTold) {
  fill(10);
  target.uidplus = false;
  ASSERT_TRUE(run());
  const auto before = target.bodies("INBOX");
  auto report = undo();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->removed, 0U);
  EXPECT_TRUE(says(*report, "UIDPLUS"));
  EXPECT_EQ(target.bodies("INBOX"), before);
}

TEST_F(Undo, AnotherUidValidityTouchesNothing) {
  fill(10);
  ASSERT_TRUE(run());
  target.folder("INBOX").validity = UidValidity(7);
  const auto before = target.bodies("INBOX");
  auto report = undo();
  ASSERT_TRUE(report);
  EXPECT_TRUE(says(*report, "UIDVALIDITY"));
  EXPECT_EQ(target.bodies("INBOX"), before);
  EXPECT_TRUE(target.bodies("Work/2019").empty()) << "the other folder is undone";
}

TEST_F(Undo, ADryRunSaysTheSameAndChangesNothing) {
  fill(20);
  ASSERT_TRUE(run());
  UndoOptions what;
  what.dry_run = what.folders = true;
  auto said = undo(what);
  ASSERT_TRUE(said);
  EXPECT_EQ(target.bodies("INBOX"), source.bodies("INBOX"));
  EXPECT_EQ(target.expunged, 0);
  what.dry_run = false;
  auto did = undo(what);
  ASSERT_TRUE(did);
  EXPECT_EQ(did->removed, said->removed);
  EXPECT_EQ(did->folders_removed, said->folders_removed);
}

TEST_F(Undo, FoldersGoOnlyWhenAskedOursAndEmpty) {
  source.add("Made", mail(1));
  source.add("Made/deep", mail(2));
  source.add("Kept", mail(3));
  source.add("Theirs", mail(4));
  target.folder("Theirs");
  ASSERT_TRUE(run());
  target.add("Kept", mail(9));
  UndoOptions what;
  what.folders = true;
  auto report = undo(what);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->folders_removed, 2U);
  EXPECT_FALSE(target.folders.contains("Made"));
  EXPECT_FALSE(target.folders.contains("Made/deep"));
  EXPECT_TRUE(target.folders.contains("Kept"));
  EXPECT_TRUE(target.folders.contains("Theirs")) << "it was there before us";
  EXPECT_TRUE(says(*report, "not empty"));
  auto again = run();
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(target.bodies("Made/deep"), source.bodies("Made/deep"));
}

TEST_F(Undo, MailWhoseAnswerWasLostIsLookedUpAndTakenBackToo) {
  fill(20);
  options.attempts = 1;
  target.on_append = [] { return Fault::lost_after; };
  ASSERT_FALSE(run());
  target.on_append = nullptr;
  target.add("INBOX", mail(9001));  // came in meanwhile
  ASSERT_GT(left_at("INBOX"), 1U);
  auto report = undo();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(target.bodies("INBOX"), std::vector<std::string>{mail(9001)});
}

TEST_F(Undo, ACopyDoesNotRunWhileAnUndoIsOpen) {
  fill(5);
  ASSERT_TRUE(run());
  target.on_expunge = [] { return Fault::lost_after; };
  ASSERT_FALSE(undo());
  target.on_expunge = nullptr;
  auto copied = run();
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, ErrorCode::gate);
  EXPECT_NE(copied.error().text.find("UN-01"), std::string::npos);
  ASSERT_TRUE(undo());
  auto again = run();
  ASSERT_TRUE(again);
  expect_equal();
}

// Dies at every durable write, and the line breaks before and behind every expunge: the next undo
// ends as one that was left alone.
TEST_F(Undo, DeathAtEveryDurableWriteEndsLikeAnUnkilledUndo) {
  for (const auto fault : {Fault::none, Fault::lost_before, Fault::lost_after}) {
    for (const bool after : {false, true}) {
      for (int dies_at = 0;; ++dies_at) {
        source = FakeServer();
        target = FakeServer();
        target.folder("INBOX");
        fill(1400);
        target.add("INBOX", mail(1));  // adopted
        MemoryState durable;
        ASSERT_TRUE(run(durable));
        target.folder("INBOX").messages[3].flags.add("mine");
        DyingState dying(durable, dies_at, after);
        int n = 0;
        target.on_expunge = [&] { return ++n == 2 ? fault : Fault::none; };
        (void)undo(dying);
        target.on_expunge = nullptr;
        UndoOptions what;
        what.folders = true;
        auto report = undo(durable, what);
        ASSERT_TRUE(report) << report.error().message();
        ASSERT_EQ(left_at("INBOX"), 2U) << "death at write " << dies_at;
        ASSERT_FALSE(target.folders.contains("Work/2019"));
        if (!dying.died()) break;
      }
    }
  }
}

TEST_F(Undo, WorksOnTheStateFile) {
  test::TempDir dir;
  fill(300);
  for (int step = 0; step < 2; ++step) {
    auto file = store::StateFile::open(dir / "state.db", store::Access::act);
    ASSERT_TRUE(file) << file.error().message();
    if (step == 0) {
      target.add("INBOX", mail(1));
      auto stored = SyncStore::open(file->db(), "a b", "a", "b");
      ASSERT_TRUE(stored);
      ASSERT_TRUE(run(*stored));
      continue;
    }
    EXPECT_FALSE(SyncStore::find(file->db(), "", "c", "c"));
    auto stored = SyncStore::find(file->db(), "", "b", "b");
    ASSERT_TRUE(stored) << stored.error().message();
    auto report = undo(*stored);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->adopted, 1U);
    EXPECT_EQ(report->removed, 304U);
    EXPECT_EQ(left_at("INBOX"), 1U);
    auto again = run(*stored);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->copied, 304U);
  }
}

}  // namespace
}  // namespace mxferry::copy
