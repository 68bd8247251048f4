// SPDX-License-Identifier: Apache-2.0
// What a destination refuses or alters: the mail goes wherever it can, and what differs is listed.
#include <gtest/gtest.h>

#include <algorithm>

#include "copy/messages_io.hpp"
#include "core/copy/copy_fixture.hpp"
#include "protocol/mime/fingerprint.hpp"

namespace mxferry::copy {
namespace {

class OddMail : public CopyFixture {};

std::size_t findings_of(const VerifyReport& report, const std::string& kind) {
  return static_cast<std::size_t>(
      std::count_if(report.findings.begin(), report.findings.end(),
                    [&](const VerifyFinding& finding) { return finding.kind == kind; }));
}

TEST_F(OddMail, GoesWithoutTheKeywordsThatTheDestinationRefuses) {
  for (const bool as_one : {true, false}) {
    for (const bool uidplus : {true, false}) {
      source = FakeServer();
      target = FakeServer();
      target.folder("INBOX");
      target.as_one = as_one;
      target.uidplus = uidplus;
      target.refuses_flag = [](const std::string& flag) { return flag == "unwanted"; };
      MemoryState fresh;
      for (int i = 0; i < 30; ++i)
        source.add("INBOX", mail(i),
                   i % 10 == 3 ? imap::Flags{"\\Seen", "unwanted", "fine"} : imap::Flags());
      source.add("INBOX", mail(100, std::string(2'000'000, 'x')), {"\\Draft", "unwanted"});
      auto report = run(fresh);
      ASSERT_TRUE(report) << report.error().message();
      EXPECT_EQ(report->copied, 31U);
      EXPECT_EQ(report->refused, 0U);
      EXPECT_EQ(report->folders[0].dropped_flags, std::vector<std::string>{"unwanted"});
      EXPECT_EQ(source.bodies("INBOX"), target.bodies("INBOX"));
      std::size_t fine = 0;
      for (const auto& message : target.folder("INBOX").messages) {
        EXPECT_FALSE(message.flags.contains("unwanted"));
        if (message.flags == imap::Flags{"\\Seen", "fine"}) ++fine;
      }
      EXPECT_EQ(fine, 3U);
      auto again = run(fresh);
      ASSERT_TRUE(again);
      EXPECT_EQ(again->copied + again->flags_changed, 0U);
    }
  }
}

TEST_F(OddMail, VerifyNamesTheMessageThatLostAKeyword) {
  target.refuses_flag = [](const std::string& flag) { return flag == "unwanted"; };
  source.add("INBOX", mail(1), {"\\Seen", "unwanted"});
  ASSERT_TRUE(run());
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(findings_of(*verified, "flags"), 1U);
}

TEST_F(OddMail, ARefusedKeywordThatCameLaterDoesNotStopTheFolder) {
  target.refuses_flag = [](const std::string& flag) { return flag == "unwanted"; };
  source.add("INBOX", mail(1));
  ASSERT_TRUE(run());
  auto& changed = source.folder("INBOX").messages[0];
  changed.flags = {"\\Seen", "unwanted"};
  changed.modseq = ++source.folder("INBOX").modseq;
  source.add("INBOX", mail(2));
  auto delta = run();
  ASSERT_TRUE(delta) << delta.error().message();
  EXPECT_TRUE(delta->folders[0].failed.empty());
  EXPECT_EQ(delta->copied, 1U);
  EXPECT_EQ(target.folder("INBOX").messages[0].flags, imap::Flags{"\\Seen"});
}

TEST_F(OddMail, AMessageThatIsRefusedForItsBodyIsListedThoughItHasKeywords) {
  target.refuses = [](const std::string& body) { return body.find("poison") != body.npos; };
  source.add("INBOX", mail(1, "poison"), {"fine"});
  source.add("INBOX", mail(2), {"fine"});
  auto report = run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->copied, 1U);
  ASSERT_EQ(report->exceptions.size(), 1U);
  EXPECT_EQ(report->exceptions[0].words, "I do not like it");
  EXPECT_TRUE(report->folders[0].dropped_flags.empty());
}

TEST_F(OddMail, WhatTheDestinationAltersIsReadBackAndListedWithBothDigests) {
  target.alters = [](std::string body) {
    std::replace(body.begin(), body.end(), '\0', '\x80');
    if (!body.ends_with("\r\n")) body += "\r\n";
    return body;
  };
  source.add("INBOX", mail(1));
  source.add("INBOX", "Subject: nul\r\n\r\na" + std::string(1, '\0') + "b\r\n");
  source.add("INBOX", "Subject: no end\r\n\r\nend");
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->copied, 3U);
  EXPECT_EQ(report->altered, 2U);
  EXPECT_EQ(report->refused, 0U);
  EXPECT_TRUE(report->has_findings());
  ASSERT_EQ(report->exceptions.size(), 2U);
  for (const auto& exception : report->exceptions) {
    EXPECT_EQ(exception.kind, "altered");
    EXPECT_NE(exception.words.find(text_of(
                  mime::sha256(source.folder("INBOX").messages[exception.src.value - 1].body))),
              std::string::npos);
  }
  // Nothing is left to do, and nothing is copied again.
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
  EXPECT_TRUE(again->folders[0].unchanged);
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(findings_of(*verified, "altered"), 2U);
}

TEST_F(OddMail, AMessageWithoutADateIsCopiedAndListedAndTheOthersGoOn) {
  source.add("INBOX", mail(1));
  source.add("INBOX", mail(2));
  source.add("INBOX", mail(3, std::string(2'000'000, 'x') + "\r\n"));  // streams
  for (const int i : {1, 2}) source.folder("INBOX").messages[i].date.reset();
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->copied, 3U);
  EXPECT_EQ(report->altered_by_source, 2U);
  EXPECT_EQ(report->altered + report->refused, 0U);
  EXPECT_TRUE(report->has_findings());
  ASSERT_EQ(report->exceptions.size(), 2U);
  EXPECT_EQ(report->exceptions[0].kind, "altered_by_source");
  EXPECT_EQ(report->exceptions[0].code, "undated");
  auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_EQ(findings_of(*verified, "altered_by_source"), 2U);
  EXPECT_EQ(verified->findings.size(), 2U);
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
  EXPECT_TRUE(again->folders[0].unchanged);
}

TEST_F(OddMail, ASourceThatKeepsNulBackIsToldByTheCopyAndByVerify) {
  source.add("INBOX", mail(1, "a\x80z\r\n"));
  source.add("INBOX", mail(2));
  source.loses_nul = [](const std::string& body) { return body.find('\x80') != body.npos; };
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->copied, 2U);
  EXPECT_EQ(report->altered_by_source, 1U);
  ASSERT_EQ(report->exceptions.size(), 1U);
  EXPECT_EQ(report->exceptions[0].code, "nul");
  auto verified = verify();
  ASSERT_TRUE(verified);
  ASSERT_EQ(verified->findings.size(), 1U);
  EXPECT_EQ(verified->findings[0].kind, "altered_by_source");
}

TEST_F(OddMail, ARefusedFolderNameIsRespelledAndNeverTakesAnothersName) {
  target.refuses_name = [](const std::string& wire) {
    return wire.find_first_of("%*\"") != wire.npos;
  };
  for (const auto* name : {"INBOX", "a_b", "a%b", "a*b", "a\"b"})
    source.add(name, mail(1, std::string("in ") + name));
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  for (const auto& folder : report->folders) EXPECT_TRUE(folder.failed.empty()) << folder.failed;
  EXPECT_EQ(report->copied, 5U);
  for (const auto* name : {"INBOX", "a_b", "a_b_2", "a_b_3", "a_b_4"})
    EXPECT_EQ(target.folder(name).messages.size(), 1U) << name;
  auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->copied, 0U);
  EXPECT_EQ(target.folders.size(), 5U);
}

}  // namespace
}  // namespace mxferry::copy
