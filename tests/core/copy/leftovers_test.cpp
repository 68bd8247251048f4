// SPDX-License-Identifier: Apache-2.0
// A source with a view of all mail, as Gmail has it: what lies in no other folder is archived mail
// and must not be left behind; what lies elsewhere must not come twice.
#include "copy/leftovers.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/copy/copy_fixture.hpp"

namespace mxferry::copy {
namespace {

constexpr const char* kAll = "All Mail";

class LeftoversTest : public CopyFixture {
 protected:
  void SetUp() override {
    CopyFixture::SetUp();
    source.folder(kAll).use = SpecialUse::all;
  }
  // A message with labels; without any it lies in the view alone.
  void add(const std::string& body, std::initializer_list<const char*> labels,
           std::int64_t at = 1'000'000) {
    source.add(kAll, body, {}, at);
    for (const auto* label : labels) source.add(label, body, {}, at);
  }
  std::vector<std::string> archive() { return target.bodies("Archive"); }
};

TEST_F(LeftoversTest, MailThatLiesOnlyInTheViewGoesToTheArchiveOnceAndTheRestDoesNot) {
  add(mail(1), {"INBOX"});
  add(mail(2), {});
  add(mail(3), {"Work", "INBOX"});
  add("no header", {});
  add("another without header", {"Work"});
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(archive(), (std::vector<std::string>{mail(2), "no header"}));
  EXPECT_EQ(target.folder("Archive").use, SpecialUse::archive);
  EXPECT_FALSE(target.folders.contains(kAll));
  EXPECT_EQ(report->copied, 6U);
  const auto appends = target.appends;
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
  EXPECT_EQ(target.appends, appends);
  for (const auto& folder : again->folders) EXPECT_TRUE(folder.unchanged) << folder.source;
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_TRUE(verified->findings.empty());
  EXPECT_EQ(verified->equal, 6U);
}

TEST_F(LeftoversTest, LaterRunsJudgeWhatIsNew) {
  add(mail(1), {"INBOX"});
  ASSERT_TRUE(run());
  EXPECT_FALSE(target.folders.contains("Archive") && !archive().empty());
  add(mail(2), {"INBOX"});
  add(mail(3), {});
  // Archived at the source after it was copied: it stays where it was copied to.
  source.folder("INBOX").messages.erase(source.folder("INBOX").messages.begin());
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(archive(), std::vector<std::string>{mail(3)});
  EXPECT_EQ(target.bodies("INBOX"), (std::vector<std::string>{mail(1), mail(2)}));
}

TEST_F(LeftoversTest, LookAlikesAreToldApartByNumberAndBySize) {
  const std::string sent = mail(1, "as sent\r\n");
  const std::string received = mail(1, "as received, with more of it\r\n");
  add(sent, {"Sent"});
  add(received, {});  // the same Message-ID, and archived
  add("Subject: twin\r\n\r\nsame\r\n", {"INBOX"});
  add("Subject: twin\r\n\r\nsame\r\n", {});
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  const auto there = archive();
  EXPECT_EQ(there.size(), 2U);
  EXPECT_EQ(std::count(there.begin(), there.end(), received), 1);
  EXPECT_EQ(std::count(there.begin(), there.end(), "Subject: twin\r\n\r\nsame\r\n"), 1);
}

TEST_F(LeftoversTest, FoldersThatAreLeftOutStillHoldTheirMail) {
  add(mail(1), {"INBOX"});
  add(mail(2), {"Lists"});
  add(mail(3), {});
  options.folders.except = {"Lists"};
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(archive(), std::vector<std::string>{mail(3)});
  EXPECT_FALSE(target.folders.contains("Lists"));
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_TRUE(verified->findings.empty());
}

TEST_F(LeftoversTest, MailThatIsRefusedInItsFolderIsNotTakenForArchived) {
  target.refuses = [](const std::string& body) { return body == mail(1); };
  add(mail(1), {"INBOX"});
  add(mail(2), {});
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->refused, 1U);
  EXPECT_EQ(archive(), std::vector<std::string>{mail(2)});
}

TEST_F(LeftoversTest, AHeaderThatIsNotGivenDoesNotMakeTheMessageGone) {
  add(mail(1), {});
  add(mail(2), {});
  source.keeps_header = [](Uid uid) { return uid.value == 1; };
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(archive(), (std::vector<std::string>{mail(1), mail(2)}));
}

TEST_F(LeftoversTest, MailThatTheViewListsAndDoesNotGiveIsListedAndTriedAgain) {
  add(mail(1), {});
  add(mail(2), {});
  source.keeps_back = source.keeps_header = [](Uid uid) { return uid.value == 1; };
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->refused, 1U);
  EXPECT_EQ(archive(), std::vector<std::string>{mail(2)});
  source.keeps_back = source.keeps_header = nullptr;
  ASSERT_TRUE(run());
  EXPECT_EQ(archive(), (std::vector<std::string>{mail(1), mail(2)}));
}

TEST_F(LeftoversTest, AFolderThatCannotBeCopiedHoldsTheViewBack) {
  add(mail(1), {"Work"});
  add(mail(2), {});
  target.refuses_name = [](const std::string& name) { return name.starts_with("Work"); };
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->has_findings());
  EXPECT_FALSE(target.folders.contains("Archive"));
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->findings.size(), 2U) << "neither is there";
  target.refuses_name = nullptr;
  ASSERT_TRUE(run());
  EXPECT_EQ(archive(), std::vector<std::string>{mail(2)});
  EXPECT_EQ(target.bodies("Work"), std::vector<std::string>{mail(1)});
}

TEST_F(LeftoversTest, TheSourcesOwnArchiveIsShared) {
  source.folder("Old stuff").use = SpecialUse::archive;
  target.folder("Archiv").use = SpecialUse::archive;
  add(mail(1), {"Old stuff"});
  add(mail(2), {});
  ASSERT_TRUE(run());
  auto there = target.bodies("Archiv");
  std::sort(there.begin(), there.end());
  EXPECT_EQ(there, (std::vector<std::string>{mail(1), mail(2)}));
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
}

TEST_F(LeftoversTest, OtherViewsStayViews) {
  source.folder("Starred").use = SpecialUse::flagged;
  add(mail(1), {"INBOX", "Starred"});
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 1U);
  EXPECT_FALSE(target.folders.contains("Starred"));
}

TEST_F(LeftoversTest, WhatWasArchivedAtTheSourceIsNotPutAsideAsDeleted) {
  for (int i = 1; i <= 4; ++i) add(mail(i), {"INBOX"});
  ASSERT_TRUE(run());
  auto& inbox = source.folder("INBOX").messages;
  auto& all = source.folder(kAll).messages;
  inbox.erase(inbox.begin(), inbox.begin() + 2);  // 1 is archived,
  all.erase(all.begin() + 1);                     // 2 is deleted
  options.quarantine.emplace().folder = "Aside";
  options.quarantine->most = 10;
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(target.bodies("Aside"), std::vector<std::string>{mail(2)});
  EXPECT_EQ(target.bodies("INBOX"), (std::vector<std::string>{mail(1), mail(3), mail(4)}));
  EXPECT_FALSE(target.folders.contains("Archive") && !archive().empty()) << "it is in its folder";
}

TEST_F(LeftoversTest, WhileTheViewIsNotReadableNothingIsPutAside) {
  for (int i = 1; i <= 4; ++i) add(mail(i), {"INBOX"});
  ASSERT_TRUE(run());
  auto& inbox = source.folder("INBOX").messages;
  inbox.erase(inbox.begin());
  auto& all = source.folder(kAll).messages;
  all.erase(all.begin());
  source.refuses_open = [](const std::string& name) { return name == kAll; };
  options.quarantine.emplace().folder = "Aside";
  options.quarantine->most = 10;
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->has_findings());
  EXPECT_EQ(target.bodies("INBOX").size(), 4U);
}

TEST_F(LeftoversTest, WhatTheViewListsAndDoesNotShowIsNotPutAside) {
  for (int i = 1; i <= 4; ++i) add(mail(i), {"INBOX"});
  ASSERT_TRUE(run());
  auto& inbox = source.folder("INBOX").messages;
  inbox.erase(inbox.begin());                                    // archived
  source.keeps_header = [](Uid uid) { return uid.value == 1; };  // and the view does not say so
  options.quarantine.emplace().folder = "Aside";
  options.quarantine->most = 10;
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->has_findings());
  EXPECT_EQ(target.bodies("INBOX").size(), 4U);
}

TEST_F(LeftoversTest, AViewThatSaysItIsEmptyIsNotBelieved) {
  for (int i = 1; i <= 4; ++i) add(mail(i), {"INBOX"});
  ASSERT_TRUE(run());
  auto& inbox = source.folder("INBOX").messages;
  inbox.erase(inbox.begin());
  source.folder(kAll).messages.clear();
  options.accept_gone = true;
  options.quarantine.emplace().folder = "Aside";
  options.quarantine->most = 10;
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->has_findings());
  EXPECT_EQ(target.bodies("INBOX").size(), 4U);
}

}  // namespace
}  // namespace mxferry::copy
