// SPDX-License-Identifier: Apache-2.0
// What moved at the source moves at the destination, where it is ours and nobody changed it; what
// is gone is put aside only when asked, and nothing is ever deleted.
#include "copy/moves.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/copy/copy_fixture.hpp"
#include "core/copy/dying_state.hpp"

namespace mxferry::copy {
namespace {

class Moves : public CopyFixture {
 protected:
  // As a user's client: the same message, under a new UID in another folder.
  void move_at_source(const std::string& from, std::uint32_t uid, const std::string& to) {
    auto& folder = source.folder(from);
    const auto it = std::find_if(folder.messages.begin(), folder.messages.end(),
                                 [&](const auto& m) { return m.uid.value == uid; });
    ASSERT_NE(it, folder.messages.end());
    const auto message = *it;
    folder.messages.erase(it);
    ++folder.modseq;
    source.add(to, message.body, message.flags, message.date->instant.time_since_epoch().count());
  }
  void remove_at_source(const std::string& from, std::uint32_t uid) {
    auto& folder = source.folder(from);
    std::erase_if(folder.messages, [&](const auto& m) { return m.uid.value == uid; });
    ++folder.modseq;
  }
  void start(int n = 20) {
    source = FakeServer();
    target = FakeServer();
    target.folder("INBOX");
    source.folder("Archive");
    for (int i = 1; i <= n; ++i) source.add("INBOX", mail(i), {"\\Seen"});
    source.add("Archive", mail(1000));
  }
};

TEST_F(Moves, AreFollowedWithoutSendingTheMessageAgain) {
  for (const bool uidplus : {true, false}) {
    for (const bool condstore : {true, false}) {
      start();
      target.uidplus = uidplus;
      source.condstore = condstore;
      state = MemoryState();
      ASSERT_TRUE(run());
      move_at_source("INBOX", 3, "Archive");
      move_at_source("INBOX", 4, "New/deep");  // a folder that is new itself
      source.add("INBOX", mail(500));
      const int appends = target.appends;
      auto report = run();
      ASSERT_TRUE(report) << report.error().message();
      EXPECT_EQ(report->moved, 2U);
      EXPECT_EQ(report->copied, 1U);
      EXPECT_EQ(target.appends, appends + 1);
      EXPECT_EQ(report->gone, 0U);
      expect_equal();
      auto verified = verify();
      ASSERT_TRUE(verified);
      EXPECT_TRUE(verified->findings.empty());
      EXPECT_EQ(verified->equal, 22U);
      auto again = run();
      ASSERT_TRUE(again);
      EXPECT_EQ(again->moved + again->copied, 0U);
    }
  }
}

TEST_F(Moves, FlagsThatChangeWithTheMoveFollowToo) {
  start();
  ASSERT_TRUE(run());
  move_at_source("INBOX", 3, "Archive");
  source.folder("Archive").messages.back().flags.add("\\Flagged");
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->moved, 1U);
  EXPECT_EQ(target.folder("Archive").messages.back().flags, imap::Flags({"\\Seen", "\\Flagged"}));
}

TEST_F(Moves, WhatTheDestinationsUserChangedOrWasNotOursStays) {
  start();
  target.add("INBOX", mail(5), {"\\Seen"});  // adopted
  ASSERT_TRUE(run());
  auto& inbox = target.folder("INBOX");
  std::find_if(inbox.messages.begin(), inbox.messages.end(), [](const auto& m) {
    return m.body == mail(3);
  })->flags.add("mine");
  move_at_source("INBOX", 3, "Archive");
  move_at_source("INBOX", 5, "Archive");
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->moved, 0U);
  EXPECT_EQ(report->copied, 2U);
  EXPECT_EQ(target.bodies("Archive"), source.bodies("Archive"));
  EXPECT_EQ(inbox.messages.size(), 20U) << "what is at the old place stays";
}

TEST_F(Moves, TwinsAndLookAlikesAreCopiedNotMoved) {
  start();
  source.add("INBOX", mail(7));  // a twin of UID 7
  ASSERT_TRUE(run());
  move_at_source("INBOX", 7, "Archive");
  move_at_source("INBOX", 21, "Archive");  // its twin
  remove_at_source("INBOX", 9);
  source.add("Archive", mail(9, "other text"));  // the same header, other octets
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->moved, 0U);
  EXPECT_EQ(report->copied, 3U);
  EXPECT_EQ(target.bodies("Archive"), source.bodies("Archive"));
  EXPECT_EQ(target.folder("INBOX").messages.size(), 21U);
}

TEST_F(Moves, WithoutMoveOrUnwantedTheMessageIsCopied) {
  for (const bool wanted : {true, false}) {
    start();
    state = MemoryState();
    target.move = !wanted;
    options.follow_moves = wanted;
    ASSERT_TRUE(run());
    move_at_source("INBOX", 3, "Archive");
    auto report = run();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->moved, 0U);
    EXPECT_EQ(report->copied, 1U);
    EXPECT_EQ(report->gone, 1U);
    EXPECT_EQ(target.bodies("Archive"), source.bodies("Archive"));
  }
}

TEST_F(Moves, AFolderThatSaysItIsEmptyMovesNothing) {
  start();
  for (int i = 0; i < 40; ++i) source.add("Big", mail(2000 + i));
  ASSERT_TRUE(run());
  source.folder("Archive").messages.clear();
  ++source.folder("Archive").modseq;
  source.add("INBOX", mail(1000));
  options.quarantine.emplace().folder = "Aside";
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->moved + report->quarantined, 0U);
  EXPECT_EQ(target.folder("Archive").messages.size(), 1U);
}

// Dies at every durable write, and the line breaks before and behind the move: nothing is lost,
// nothing is there twice.
TEST_F(Moves, DeathAnywhereLosesAndDoublesNothing) {
  for (const bool uidplus : {true, false}) {
    for (const auto fault : {Fault::none, Fault::lost_before, Fault::lost_after}) {
      for (const bool after : {false, true}) {
        for (int dies_at = 0;; ++dies_at) {
          start(6);
          target.uidplus = uidplus;
          MemoryState durable;
          ASSERT_TRUE(run(durable));
          move_at_source("INBOX", 2, "Archive");
          move_at_source("INBOX", 3, "New");
          DyingState dying(durable, dies_at, after);
          int n = 0;
          target.on_move = [&] { return ++n == 1 ? fault : Fault::none; };
          (void)run(dying);
          auto report = run(durable);
          ASSERT_TRUE(report) << report.error().message();
          for (const auto* folder : {"Archive", "New"})
            ASSERT_EQ(target.bodies(folder), source.bodies(folder))
                << folder << ", death at write " << dies_at << (after ? " after" : " before");
          // What could not be moved is copied: then the old place keeps its own.
          std::size_t all = 0;
          for (const auto& [wire, folder] : target.folders) all += folder.messages.size();
          ASSERT_LE(all, 7U + (fault == Fault::none && !dying.died() ? 0U : 2U));
          for (const auto& message : source.folder("INBOX").messages) {
            const auto there = target.bodies("INBOX");
            ASSERT_EQ(std::count(there.begin(), there.end(), message.body), 1);
          }
          auto third = run(durable);
          ASSERT_TRUE(third);
          ASSERT_EQ(third->copied + third->moved + third->adopted, 0U);
          if (!dying.died()) break;
        }
      }
    }
  }
}

TEST_F(Moves, WhatIsGoneIsPutAsideOnlyWhenAskedOursAndFew) {
  start();
  target.add("INBOX", mail(5), {"\\Seen"});  // adopted
  ASSERT_TRUE(run());
  auto& inbox = target.folder("INBOX");
  std::find_if(inbox.messages.begin(), inbox.messages.end(), [](const auto& m) {
    return m.body == mail(3);
  })->flags.add("mine");
  for (const std::uint32_t uid : {2U, 3U, 5U, 6U}) remove_at_source("INBOX", uid);
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->gone, 4U);
  EXPECT_EQ(inbox.messages.size(), 20U) << "not asked: nothing";

  remove_at_source("INBOX", 7);
  options.quarantine.emplace().folder = "Deleted at the source/old";
  options.quarantine->most = 1;
  report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->quarantined, 0U) << "more than the cap";
  EXPECT_TRUE(report->has_findings());

  remove_at_source("INBOX", 8);
  options.quarantine->most = 10;
  report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(target.bodies("Deleted at the source/old"),
            (std::vector<std::string>{mail(2), mail(6), mail(7), mail(8)}));
  EXPECT_EQ(report->quarantined, 4U);
  const auto there = target.bodies("INBOX");
  EXPECT_EQ(std::count(there.begin(), there.end(), mail(3)), 1) << "changed by its user";
  EXPECT_EQ(std::count(there.begin(), there.end(), mail(5)), 1) << "adopted, not ours";
  EXPECT_EQ(there.size(), 16U);
}

}  // namespace
}  // namespace mxferry::copy
