// SPDX-License-Identifier: Apache-2.0
// The copier against accounts in memory: what must hold whatever the servers do and wherever the
// process dies.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "copy/sync_store.hpp"
#include "core/copy/copy_fixture.hpp"
#include "core/copy/dying_state.hpp"
#include "store/state_file.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::copy {
namespace {

class Copier : public CopyFixture {};

TEST_F(Copier, CopiesEverythingOnceAndTheSecondRunNothing) {
  fill(500);
  source.folder("Work/2019").subscribed = true;
  auto first = run();
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->copied, 505U);
  expect_equal();
  EXPECT_TRUE(target.folder("Work/2019").subscribed);
  for (const auto& message : target.folder("Work/2019").messages) {
    const auto& original = *std::find_if(source.folder("Work/2019").messages.begin(),
                                         source.folder("Work/2019").messages.end(),
                                         [&](const auto& m) { return m.body == message.body; });
    EXPECT_EQ(message.flags, original.flags);
    EXPECT_EQ(message.date, original.date);
  }
  const int appends = target.appends;
  const int fetched = source.fetched;
  auto second = run();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->copied, 0U);
  EXPECT_EQ(second->known, 505U);
  EXPECT_EQ(target.appends, appends);
  EXPECT_EQ(source.fetched, fetched);
  for (const auto& folder : second->folders) EXPECT_TRUE(folder.unchanged) << folder.source;
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->equal, 505U);
  EXPECT_TRUE(verified->findings.empty());
}

TEST_F(Copier, WorksWithNoneOfTheExtensions) {
  for (auto* server : {&source, &target}) {
    server->uidplus = false;
    server->as_one = false;
    server->condstore = false;
  }
  fill(300);
  ASSERT_TRUE(run());
  expect_equal();
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
  EXPECT_EQ(again->known, 305U);
}

TEST_F(Copier, DeltaBringsNewMailAndChangedFlags) {
  fill(50);
  ASSERT_TRUE(run());
  source.add("INBOX", mail(1000));
  auto& changed = source.folder("INBOX").messages[1];
  changed.flags.add("\\Flagged");
  changed.flags.remove("\\Seen");
  changed.modseq = ++source.folder("INBOX").modseq;
  // The destination's user has made a change too: it stays.
  target.folder("INBOX").messages[1].flags.add("mine");
  auto delta = run();
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->copied, 1U);
  EXPECT_EQ(delta->flags_changed, 1U);
  auto expected = changed.flags;
  expected.add("mine");
  EXPECT_EQ(target.folder("INBOX").messages[1].flags, expected);
}

TEST_F(Copier, KeepsOutFlagsThatTheDestinationDoesNotKeep) {
  target.folder("INBOX").permanent = {"\\Seen"};
  source.add("INBOX", mail(1), {"\\Seen", "$Label", "\\Flagged"});
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(target.folder("INBOX").messages[0].flags, imap::Flags({"\\Seen"}));
  EXPECT_EQ(report->folders[0].dropped_flags.size(), 2U);
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_TRUE(verified->findings.empty());
}

TEST_F(Copier, IsolatesTheRefusedMessageAndNamesItWithTheServersWords) {
  for (const bool as_one : {true, false}) {
    for (const bool atomic : {true, false}) {
      source = FakeServer();
      target = FakeServer();
      target.folder("INBOX");
      target.as_one = as_one;
      target.atomic = atomic;
      target.refuses = [](const std::string& body) {
        return body.find("poison") != std::string::npos;
      };
      MemoryState fresh;
      for (int i = 0; i < 60; ++i)
        source.add("INBOX", mail(i, i == 17 || i == 40 ? "poison" : "fine"));
      auto report = run(fresh);
      ASSERT_TRUE(report) << report.error().message();
      EXPECT_EQ(report->copied, 58U) << as_one << atomic;
      EXPECT_EQ(report->refused, 2U);
      ASSERT_EQ(report->exceptions.size(), 2U);
      EXPECT_EQ(report->exceptions[0].words, "I do not like it");
      EXPECT_EQ(target.folder("INBOX").messages.size(), 58U);
      // Refused mail is tried again, and found once it is taken.
      target.refuses = nullptr;
      auto again = run(fresh);
      ASSERT_TRUE(again);
      EXPECT_EQ(again->copied, 2U);
      EXPECT_EQ(target.bodies("INBOX"), source.bodies("INBOX"));
      auto third = run(fresh);
      ASSERT_TRUE(third);
      EXPECT_EQ(third->copied + third->refused, 0U);
    }
  }
}

TEST_F(Copier, LostAnswersLoseNothingAndDoubleNothing) {
  for (const Fault fault : {Fault::lost_before, Fault::lost_after, Fault::half}) {
    for (const bool uidplus : {true, false}) {
      source = FakeServer();
      target = FakeServer();
      target.folder("INBOX");
      target.uidplus = uidplus;
      MemoryState fresh;
      fill(450);
      int n = 0;
      target.on_append = [&] { return ++n % 2 == 1 ? fault : Fault::none; };
      auto report = run(fresh);
      ASSERT_TRUE(report) << report.error().message();
      EXPECT_EQ(report->copied, 455U);
      expect_equal();
      EXPECT_GT(report->reconnects, 0U);
    }
  }
}

TEST_F(Copier, LanesCopyFoldersSideBySide) {
  for (auto* server : {&source, &target}) server->yields = true;
  options.lanes = 3;
  for (int i = 0; i < 2400; ++i) source.add("Folder/" + std::to_string(i % 12), mail(i));
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->copied, 2400U);
  EXPECT_EQ(source.connections, 3);
  EXPECT_EQ(target.connections, 3);
  expect_equal();
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
  EXPECT_EQ(source.connections, 4) << "a run without work needs one pair";
}

// A lane that loses its connection ends the others after the batch in hand; nothing is lost or
// doubled, whoever was where.
TEST_F(Copier, LanesSurviveLostAnswersInEachOther) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::minstd_rand random(seed);
    source = FakeServer();
    target = FakeServer();
    source.folder("INBOX");
    target.folder("INBOX");
    for (auto* server : {&source, &target}) server->yields = true;
    target.uidplus = seed % 2 == 0;
    options.lanes = 3;
    options.append_settle = Millis(5);
    options.attempts = 50;
    MemoryState fresh;
    for (int i = 0; i < 2500; ++i) source.add("Folder/" + std::to_string(i % 7), mail(i));
    for (int i = 0; i < 20; ++i) source.add("Folder/1", "Subject: twin\r\n\r\nsame\r\n");
    int left = 12;
    target.on_append = [&] {
      if (left == 0 || random() % 2 != 0) return Fault::none;
      --left;
      const Fault faults[] = {Fault::lost_before, Fault::lost_after, Fault::half};
      return faults[random() % 3];
    };
    auto report = run(fresh);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_LT(left, 12) << "no fault was met";
    EXPECT_GT(report->reconnects, 0U);
    expect_equal();
  }
}

TEST_F(Copier, AServerThatTakesNoSecondConnectionCostsSpeedOnly) {
  for (auto* server : {&source, &target}) server->yields = true;
  options.lanes = 4;
  for (int i = 0; i < 2000; ++i) source.add("Folder/" + std::to_string(i % 8), mail(i));
  CopyJob job;
  job.open_source = [this] { return connect<MailSource>(&source); };
  int asked = 0;
  job.open_target = [this, &asked]() -> Task<Result<std::unique_ptr<MailTarget>>> {
    if (++asked > 1) co_return fail(ErrorCode::denied, "fake login", "too many connections");
    auto opened = co_await connect<MailTarget>(&target);
    co_return opened;
  };
  job.state = &state;
  job.clock = &clock;
  job.options = options;
  auto report = test::run_task(run_copy(job));
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_GT(asked, 1);
  EXPECT_EQ(report->copied, 2000U);
  EXPECT_EQ(report->reconnects, 0U);
  expect_equal();
}

TEST_F(Copier, AnAppendThatCommitsAfterWeCameBackIsFoundWithinItsTime) {
  fill(20);
  bool first = true;
  target.on_append = [&] { return std::exchange(first, false) ? Fault::lost_late : Fault::none; };
  target.opens_until_late = 3;  // after the first look-up, before the second
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  expect_equal();
}

TEST_F(Copier, SurplusOfALateCommitIsRemovedOnlyWhereItIsOurs) {
  source.add("INBOX", mail(1));
  source.add("INBOX", mail(2));
  bool first = true;
  target.on_append = [&] { return std::exchange(first, false) ? Fault::lost_late : Fault::none; };
  target.opens_until_late = 4;  // after the repeat: the window is read once more
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  expect_equal();
  EXPECT_EQ(target.expunged, 2);

  // Without UIDPLUS nothing is removed; it is said.
  source = FakeServer();
  target = FakeServer();
  target.folder("INBOX");
  target.uidplus = false;
  source.add("INBOX", mail(1));
  first = true;
  target.on_append = [&] { return std::exchange(first, false) ? Fault::lost_late : Fault::none; };
  target.opens_until_late = 4;
  MemoryState fresh;
  report = run(fresh);
  ASSERT_TRUE(report);
  EXPECT_EQ(target.folder("INBOX").messages.size(), 2U);
  EXPECT_EQ(report->folders[0].surplus, 1U);
  EXPECT_TRUE(report->has_findings());
}

TEST_F(Copier, ASourceThatBreaksInsideALiteralStoresNoHalfMessage) {
  source.add("INBOX", mail(1, std::string(3'000'000, 'x')));
  source.add("INBOX", mail(2));
  int n = 0;
  source.breaks_on_fetch = [&] { return ++n == 4; };
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  expect_equal();
}

TEST_F(Copier, LargeMessagesStreamAndSurviveLostAnswers) {
  source.add("INBOX", mail(1, std::string(3'000'000, 'x')));
  source.add("INBOX", std::string(2'500'000, 'y'));  // without header
  source.add("INBOX", mail(2));
  int n = 0;
  target.on_append = [&] { return ++n == 1 ? Fault::lost_after : Fault::none; };
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  expect_equal();
}

TEST_F(Copier, RefusesWhatIsLargerThanTheDestinationTakes) {
  target.append_limit = 1000;
  source.add("INBOX", mail(1, std::string(2000, 'x')));
  source.add("INBOX", mail(2));
  source.add("INBOX", mail(3, std::string(3'000'000, 'x')));
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 1U);
  EXPECT_EQ(report->refused, 2U);
}

TEST_F(Copier, AdoptsWhatIsThereByItsBytesAlone) {
  source.add("INBOX", mail(1));
  source.add("INBOX", mail(2, "the true one"), {"\\Seen"});
  source.add("INBOX", "Subject: twin\r\n\r\nsame\r\n");
  source.add("INBOX", "Subject: twin\r\n\r\nsame\r\n");
  target.add("INBOX", mail(1), {"mine"});
  target.add("INBOX", mail(2, "one that only looks alike"));
  target.add("INBOX", "Subject: twin\r\n\r\nsame\r\n");
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->adopted, 2U);
  EXPECT_EQ(report->copied, 2U);
  EXPECT_EQ(target.folder("INBOX").messages.size(), 5U);
  EXPECT_TRUE(target.folder("INBOX").messages[0].flags.contains("mine"));
  // State lost altogether: everything is found again.
  MemoryState fresh;
  report = run(fresh);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 0U);
  EXPECT_EQ(report->adopted, 4U);
}

// A state that was put back from a copy knows less than is there: nothing comes twice.
TEST_F(Copier, AStateThatIsOlderThanTheDestinationAdoptsWhatItForgot) {
  fill(30);
  ASSERT_TRUE(run());
  const MemoryState old = state;
  for (int i = 100; i < 140; ++i) source.add("INBOX", mail(i));
  source.add("New", mail(500));
  ASSERT_TRUE(run());
  target.add("INBOX", mail(9000));  // delivered there
  state = old;
  source.add("INBOX", mail(200));
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->adopted, 41U);
  EXPECT_EQ(report->copied, 1U);
  auto there = target.bodies("INBOX");
  there.erase(std::find(there.begin(), there.end(), mail(9000)));
  EXPECT_EQ(there, source.bodies("INBOX"));
  EXPECT_EQ(target.bodies("New"), source.bodies("New"));
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied + again->adopted, 0U);
}

TEST_F(Copier, WithoutCondstoreFlagsAreStillFollowed) {
  source.condstore = target.condstore = false;
  fill(30);
  ASSERT_TRUE(run());
  source.folder("INBOX").messages[0].flags.add("\\Flagged");
  source.folder("INBOX").messages[1].flags.remove("\\Seen");
  target.folder("INBOX").messages[0].flags.add("mine");
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->flags_changed, 2U);
  EXPECT_TRUE(target.folder("INBOX").messages[0].flags.contains("\\Flagged"));
  EXPECT_TRUE(target.folder("INBOX").messages[0].flags.contains("mine"));
  EXPECT_FALSE(target.folder("INBOX").messages[1].flags.contains("\\Seen"));
}

// UIDNOTSTICKY (RFC 4315 §3): the numbers do not last, so "unchanged" is never believed and every
// session's new UIDVALIDITY is matched by content.
TEST_F(Copier, WhereUidsDoNotLastContentDecides) {
  source.sticky = false;
  fill(30);
  ASSERT_TRUE(run());
  for (int session = 0; session < 2; ++session) {
    auto& inbox = source.folder("INBOX");
    inbox.validity = UidValidity(inbox.validity.value + 1);
    std::uint32_t uid = 0;
    for (auto& message : inbox.messages) message.uid = Uid(++uid);
    inbox.uid_next = uid + 1;
    source.add("INBOX", mail(300 + session));
    auto report = run();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->copied, 1U);
    for (const auto& folder : report->folders) EXPECT_FALSE(folder.unchanged);
    expect_equal();
  }
}

TEST_F(Copier, ADestinationThatRewritesMailIsAskedAbout) {
  for (int i = 0; i < 40; ++i) {
    source.add("INBOX", mail(i));
    target.add("INBOX", mail(i, "rewritten\r\n"));
  }
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->stopped());
  EXPECT_EQ(report->copied, 0U);
  options.altered = AlteredPolicy::adopt;
  report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->adopted, 40U);
  EXPECT_EQ(target.folder("INBOX").messages.size(), 40U);
}

TEST_F(Copier, AMessageThatTheSourceKeepsBackIsNamedAndTriedAgain) {
  for (int i = 0; i < 5; ++i) source.add("INBOX", mail(i));
  source.keeps_back = [](Uid uid) { return uid.value == 3; };
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 4U);
  EXPECT_EQ(report->refused, 1U);
  ASSERT_EQ(report->exceptions.size(), 1U);
  EXPECT_EQ(report->exceptions[0].src, Uid(3));
  source.keeps_back = nullptr;
  report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 1U);
  expect_equal();
}

TEST_F(Copier, ADestinationThatWasMadeAnewIsNoticedThoughTheSourceDidNotChange) {
  fill(20);
  ASSERT_TRUE(run());
  target.folder("INBOX") = test::FakeFolder();
  target.folder("INBOX").validity = UidValidity(777);
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, source.folder("INBOX").messages.size());
  expect_equal();
}

TEST_F(Copier, ANewUidValidityIsMatchedByContent) {
  fill(100);
  ASSERT_TRUE(run());
  auto& inbox = source.folder("INBOX");
  inbox.validity = UidValidity(4294967295U);
  std::uint32_t uid = 1000;
  for (auto& message : inbox.messages) message.uid = Uid(uid += 3);
  inbox.uid_next = uid + 1;
  source.add("INBOX", mail(5000));
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 1U);
  expect_equal();

  // The destination is made anew: found again by content, nothing twice.
  target.folder("INBOX").validity = UidValidity(7);
  source.add("INBOX", mail(5001));
  report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 1U);
  expect_equal();
}

TEST_F(Copier, ANewUidValidityWithOtherContentStopsTheFolder) {
  fill(100);
  ASSERT_TRUE(run());
  auto& inbox = source.folder("INBOX");
  inbox.validity = UidValidity(5);
  for (auto& message : inbox.messages)
    message.body = mail(9000 + static_cast<int>(message.uid.value));
  const auto before = target.bodies("INBOX");
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->stopped());
  EXPECT_EQ(target.bodies("INBOX"), before);
}

TEST_F(Copier, AServersStatementAloneDestroysNothing) {
  fill(100);
  ASSERT_TRUE(run());
  const auto before = target.bodies("INBOX");
  auto saved = source.folders;
  source.folders.clear();
  EXPECT_EQ(run().error().code, ErrorCode::gate) << "an empty LIST";
  source.folders = saved;
  source.folders.erase("INBOX");
  EXPECT_EQ(run().error().code, ErrorCode::gate) << "no INBOX";
  source.folders = saved;
  source.folder("INBOX").messages.clear();
  ++source.folder("INBOX").modseq;
  EXPECT_EQ(run().error().code, ErrorCode::gate) << "most messages gone at once";
  EXPECT_EQ(target.bodies("INBOX"), before);
  options.accept_gone = true;
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->gone, saved["INBOX"].messages.size());
  EXPECT_EQ(target.bodies("INBOX"), before) << "nothing is ever removed";
}

TEST_F(Copier, GivesUpAfterBoundedRetriesWithoutProgress) {
  fill(10);
  target.on_append = [] { return Fault::lost_before; };
  options.append_settle = Millis(1);
  auto report = run();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::network);
  EXPECT_EQ(target.connections, 5);
  EXPECT_TRUE(target.bodies("INBOX").empty());
}

TEST_F(Copier, MergesTwoFoldersOfOneUseAndKeepsTheirStatesApart) {
  source.folder("Sent").use = SpecialUse::sent;
  source.folder("Gesendet").use = SpecialUse::sent;
  source.add("Sent", mail(1));
  source.add("Gesendet", mail(2));
  target.folder("Sent Items").use = SpecialUse::sent;
  ASSERT_TRUE(run());
  EXPECT_EQ(target.folder("Sent Items").messages.size(), 2U);
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
}

// The process dies at every single durable write, before or behind it; the same command must end as
// an unkilled run.
TEST_F(Copier, DeathAtEveryDurableWriteEndsLikeAnUnkilledRun) {
  for (const bool uidplus : {true, false}) {
    for (const bool after : {false, true}) {
      for (int dies_at = 0;; ++dies_at) {
        source = FakeServer();
        target = FakeServer();
        target.folder("INBOX");
        target.uidplus = uidplus;
        fill(450);
        source.add("INBOX", mail(7000, std::string(1'500'000, 'z')));
        target.add("INBOX", mail(1));  // adopted
        MemoryState durable;
        DyingState dying(durable, dies_at, after);
        (void)run(dying);
        if (!dying.died()) break;
        auto resumed = run(durable);
        ASSERT_TRUE(resumed) << "death at write " << dies_at << (after ? " after: " : " before: ")
                             << resumed.error().message();
        for (const auto& [wire, folder] : source.folders)
          ASSERT_EQ(target.bodies(wire), source.bodies(wire))
              << wire << ", death at write " << dies_at << (after ? " after" : " before");
        auto third = run(durable);
        ASSERT_TRUE(third);
        ASSERT_EQ(third->copied + third->adopted, 0U);
      }
    }
  }
}

TEST_F(Copier, RunsOnTheStateFileAsInMemory) {
  test::TempDir dir;
  fill(450);
  for (int n = 0; n < 2; ++n) {
    auto file = store::StateFile::open(dir / "state.db", store::Access::act);
    ASSERT_TRUE(file) << file.error().message();
    auto stored = SyncStore::open(file->db(), "a b", "a", "b");
    ASSERT_TRUE(stored) << stored.error().message();
    auto report = run(*stored);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->copied, n == 0 ? 455U : 0U);
    EXPECT_EQ(report->known, 455U);
  }
  expect_equal();
}

}  // namespace
}  // namespace mxferry::copy
