// SPDX-License-Identifier: Apache-2.0
// What a copy is asked to leave out, where it is told to put folders, and what it is told to try
// again.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/copy/copy_fixture.hpp"

namespace mxferry::copy {
namespace {

class Choice : public CopyFixture {
 protected:
  void touch(const std::string& wire, std::size_t i, const char* flag) {
    auto& folder = source.folder(wire);
    folder.messages[i].flags.add(flag);
    folder.messages[i].modseq = ++folder.modseq;
  }
  void map(const std::string& rules) {
    auto parsed = MapRules::parse(rules, "map");
    ASSERT_TRUE(parsed) << parsed.error().message();
    options.map = std::move(*parsed);
  }
};

TEST_F(Choice, WhatAFilterLeavesOutIsCountedAndNeverMissing) {
  for (const bool condstore : {true, false}) {
    source = FakeServer();
    target = FakeServer();
    target.folder("INBOX");
    source.condstore = target.condstore = condstore;
    state = MemoryState();
    options.messages = {};
    for (int i = 0; i < 10; ++i) source.add("INBOX", mail(i), {}, 1'000'000 + i * 86'400);
    options.messages.since = std::chrono::sys_days(std::chrono::days(11 + 6));
    auto report = run();
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->copied, 4U);
    EXPECT_EQ(report->filtered, 6U);
    EXPECT_FALSE(report->has_findings());
    // The same again: nothing to do, and nothing hidden.
    auto again = run();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->copied, 0U);
    EXPECT_EQ(again->filtered, 6U);
    EXPECT_EQ(again->gone, 0U);
    if (condstore) {
      EXPECT_TRUE(again->folders[0].unchanged);
    }
    auto verified = verify();
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->findings.empty());
    EXPECT_EQ(verified->equal, 4U);
    EXPECT_EQ(verified->filtered, 6U);
    // A later run that leaves out less brings the rest, though the source did not change.
    options.messages.since = std::chrono::sys_days(std::chrono::days(11 + 3));
    again = run();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->copied, 3U);
    EXPECT_EQ(again->filtered, 3U);
    options.messages = {};
    again = run();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->copied, 3U);
    EXPECT_EQ(again->filtered, 0U);
    expect_equal();
    // A narrower one afterwards hides nothing that is there, and new mail is judged by it.
    options.messages.max_size = 1;
    source.add("INBOX", mail(100));
    again = run();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->copied, 0U);
    EXPECT_EQ(again->filtered, 1U);
    verified = verify();
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->findings.empty());
    EXPECT_EQ(verified->equal, 10U);
    options.messages = {};
    again = run();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->copied, 1U);
    expect_equal();
  }
}

TEST_F(Choice, AFilterByFlagsFollowsTheFlags) {
  source.add("INBOX", mail(1), {"\\Seen"});
  source.add("INBOX", mail(2));
  source.add("INBOX", mail(3), {"\\Deleted"});
  options.messages.without = {"\\Seen", "\\Deleted"};
  ASSERT_TRUE(run());
  EXPECT_EQ(target.bodies("INBOX"), std::vector<std::string>{mail(2)});
  // What has been copied stays and follows its flags; what passes now comes.
  touch("INBOX", 1, "\\Seen");
  auto& folder = source.folder("INBOX");
  folder.messages[2].flags.remove("\\Deleted");
  folder.messages[2].modseq = ++folder.modseq;
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->pending, 1U);
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 1U);
  EXPECT_EQ(again->flags_changed, 1U);
  EXPECT_EQ(target.folder("INBOX").messages.size(), 2U);
}

TEST_F(Choice, FoldersAreChosenByGlobAndTheOthersAreNotMissing) {
  source.add("INBOX", mail(1));
  source.add("Work", mail(2));
  source.add("Work/2019", mail(3));
  source.add("Work/old", mail(4));
  source.add("Private", mail(5));
  options.folders.only = {"Work", "INBOX"};
  options.folders.except = {"Work/old"};
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 3U);
  EXPECT_EQ(report->filtered, 2U);
  EXPECT_FALSE(target.folders.contains("Private"));
  EXPECT_FALSE(target.folders.contains("Work/old"));
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_TRUE(verified->findings.empty());
  EXPECT_EQ(verified->filtered, 2U);
  options.folders = {};
  report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 2U);
  expect_equal();
  verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->equal, 5U);
}

TEST_F(Choice, ADryRunCountsAsTheRunWould) {
  fill(40);
  options.messages.without = {"\\Seen"};
  options.dry_run = true;
  auto said = run();
  ASSERT_TRUE(said);
  EXPECT_TRUE(target.bodies("INBOX").empty());
  options.dry_run = false;
  auto did = run();
  ASSERT_TRUE(did);
  EXPECT_EQ(said->to_copy, did->copied);
  EXPECT_EQ(said->filtered, did->filtered);
}

TEST_F(Choice, NewestFirstIsTheOrderOfTheDatesWhateverTheUids) {
  for (const bool as_one : {true, false}) {
    source = FakeServer();
    target = FakeServer();
    target.as_one = as_one;
    state = MemoryState();
    for (int i = 0; i < 1200; ++i)
      source.add("INBOX", mail(i), {}, 1'000'000 + (i * 7919) % 1200 * 1000);
    source.add("INBOX", mail(5000, std::string(1'500'000, 'z')), {}, 1'600'500);  // streams
    options.newest_first = true;
    ASSERT_TRUE(run());
    expect_equal();
    const auto& there = target.folder("INBOX").messages;
    EXPECT_TRUE(std::is_sorted(there.begin(), there.end(), [](const auto& a, const auto& b) {
      return a.date->instant > b.date->instant;
    }));
  }
}

TEST_F(Choice, RulesSendFoldersElsewhereAndCollisionsStopBeforeTheFirstByte) {
  source.add("Gesendet", mail(1));
  source.add("Sent", mail(2));
  source.add("Projekte/a", mail(3));
  source.add("Public", mail(4));
  map("exact Gesendet -> Sent\nprefix Projekte -> Archive/Projects\nskip exact Public\n");
  auto report = run();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::config);
  EXPECT_NE(report.error().text.find("line 1: \"Gesendet\" goes to \"Sent\" as does \"Sent\""),
            std::string::npos)
      << report.error().text;
  EXPECT_EQ(target.appends, 0);
  EXPECT_FALSE(target.folders.contains("Archive/Projects/a"));
  map("exact Gesendet -> Sent merge\nprefix Projekte -> Archive/Projects\nskip exact Public\n");
  report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(target.folder("Sent").messages.size(), 2U);
  EXPECT_EQ(target.bodies("Archive/Projects/a"), source.bodies("Projekte/a"));
  EXPECT_FALSE(target.folders.contains("Public"));
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
  // Another map later does not move what was copied: it is told.
  map("exact Gesendet -> Elsewhere\n");
  report = run();
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().text.find("an earlier run copied it to \"Sent\""), std::string::npos)
      << report.error().text;
}

TEST_F(Choice, RetryTriesOnlyWhatWasRefused) {
  for (int i = 0; i < 6; ++i) source.add("INBOX", mail(i, i < 3 ? "poison" : "fine"));
  source.add("Work", mail(10, "poison"));
  target.refuses = [](const std::string& body) { return body.find("poison") != std::string::npos; };
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->refused, 4U);
  source.add("INBOX", mail(20));  // not retry's business
  touch("INBOX", 4, "\\Flagged");

  // Still refused, all of it: said so, one by one.
  options.retry.emplace();
  report = run();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->retried.size(), 4U);
  for (const auto& line : report->retried) {
    EXPECT_EQ(line.outcome, Retried::Outcome::refused);
    EXPECT_EQ(line.words, "I do not like it");
  }
  EXPECT_TRUE(report->has_findings());

  // One of them, by folder and UID.
  target.refuses = nullptr;
  options.retry->folders.only = {"INBOX"};
  options.retry->uids = imap::UidSet(Uid(2));
  report = run();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->retried.size(), 1U);
  EXPECT_EQ(report->retried[0].outcome, Retried::Outcome::copied);
  EXPECT_EQ(target.folder("INBOX").messages.size(), 4U);
  EXPECT_FALSE(target.folder("INBOX").messages[1].flags.contains("\\Flagged"));

  // One is gone from the source meanwhile; the rest goes through.
  source.folder("INBOX").messages.erase(source.folder("INBOX").messages.begin());
  options.retry.emplace();
  report = run();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->retried.size(), 3U);
  std::map<Retried::Outcome, int> counts;
  for (const auto& line : report->retried) ++counts[line.outcome];
  EXPECT_EQ(counts[Retried::Outcome::copied], 2);
  EXPECT_EQ(counts[Retried::Outcome::gone], 1);
  options.retry.reset();
  report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 1U);
  EXPECT_EQ(report->flags_changed, 1U);
  expect_equal();
}

}  // namespace
}  // namespace mxferry::copy
