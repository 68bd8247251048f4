// SPDX-License-Identifier: Apache-2.0
// Notices: one before the flip with the whole lead behind it, one after; at least once, the same
// message each time; one that cannot be sent holds the flip.
#include "pipeline/notices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "pipeline/notice_text.hpp"
#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using test::FakeWorld;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = RunEnd::Kind;

const std::string kBefore = "notice-before-users:alpha.test";
const std::string kLead = "notice-lead:alpha.test";
const std::string kFlip = "flip:alpha.test";

void add_notice(FakeWorld& world) {
  world.file.notice.smtp = "smtp://127.0.0.1:25";
  world.file.notice.from = "ops@alpha.test";
  world.file.notice.operators = {"ops@alpha.test"};
  world.file.source.endpoint = "imap://imap.old.test";
  world.file.dest.endpoint = "imaps://imap.new.test";
}

std::string field(const std::string& message, const std::string& name) {
  const auto at = message.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 4;
  return message.substr(begin, message.find("\r\n", begin) - begin);
}

TEST(Notices, GoToEachAudienceBeforeAndAfterTheFlip) {
  FakeWorld world;
  add_notice(world);
  ASSERT_EQ(world.run_on(400).kind, Kind::done);
  ASSERT_EQ(world.mails.size(), 4U);
  EXPECT_THAT(world.mails[0].to, ElementsAre("anna@alpha.test", "bert@alpha.test"));
  EXPECT_THAT(world.mails[1].to, ElementsAre("ops@alpha.test"));
  EXPECT_THAT(field(world.mails[0].message, "Subject"),
              HasSubstr("Your mail at alpha.test moves to a new server"));
  EXPECT_THAT(field(world.mails[2].message, "Subject"), HasSubstr("has moved"));
  std::set<std::string> ids;
  for (const auto& mail : world.mails) ids.insert(field(mail.message, "Message-ID"));
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_EQ(world.mails[0].message.find("anna@"), std::string::npos)
      << "nobody's address is shown to the others";
}

TEST(Notices, TheFlipComesTheWholeLeadAfterTheNotice) {
  FakeWorld world;
  add_notice(world);
  world.run();
  ASSERT_EQ(world.status(kBefore), StepStatus::done);
  const Instant sent = world.mails.at(0).at;
  EXPECT_EQ(world.not_before(kLead), sent + hours(48));
  world.clock.advance(hours(48) - minutes(1));
  EXPECT_EQ(world.run().kind, Kind::waiting);
  EXPECT_EQ(world.not_before(kLead), sent + hours(48)) << "asking early moves nothing";
  EXPECT_EQ(world.status("approve:alpha.test"), StepStatus::pending);
  EXPECT_EQ(world.status(kFlip), StepStatus::pending);
  world.clock.advance(minutes(1));
  world.run();
  EXPECT_EQ(world.status(kFlip), StepStatus::done);
}

// The lead counts what has really passed: a day that only the wall clock made up does not count.
TEST(Notices, AClockStepDoesNotShortenTheLead) {
  FakeWorld world;
  add_notice(world);
  world.run();
  world.clock.advance(hours(1));
  world.clock.step_wall(hours(72));
  EXPECT_EQ(world.run().kind, Kind::waiting);
  EXPECT_EQ(world.status(kLead), StepStatus::waiting);
  world.clock.reboot("boot-2", hours(72));
  EXPECT_EQ(world.run().kind, Kind::waiting);
  EXPECT_EQ(world.status(kFlip), StepStatus::pending);
}

TEST(Notices, ThatCannotBeSentHoldTheFlip) {
  FakeWorld world;
  add_notice(world);
  world.fault = [](const std::string& what) -> std::optional<Error> {
    if (what != "notice send") return std::nullopt;
    return fail(ErrorCode::auth, "smtp AUTH", "the server refuses").error();
  };
  for (int i = 0; i < 5; ++i) {
    world.run();
    world.clock.advance(hours(24));
  }
  const auto end = world.run();
  EXPECT_EQ(end.kind, Kind::held);
  EXPECT_THAT(end.why, HasSubstr("NO-01"));
  EXPECT_FALSE(end.remedy.empty());
  EXPECT_EQ(world.status(kFlip), StepStatus::pending);
  EXPECT_TRUE(world.mails.empty());
  // In order, it is let through.
  world.fault = nullptr;
  EXPECT_EQ(world.run_on(400).kind, Kind::done);
  EXPECT_EQ(world.mails.size(), 4U);
}

TEST(Notices, ThatThePlanAcceptsAsUnsentLetTheFlipGoOn) {
  FakeWorld world;
  add_notice(world);
  world.file.accept.push_back({"NO-01", "told by letter"});
  EXPECT_EQ(world.run_on(400).kind, Kind::done);
  EXPECT_TRUE(world.mails.empty());
  EXPECT_THAT(world.why(kBefore), HasSubstr("accepted"));
}

TEST(Notices, TroubleOnTheLineIsTriedAgain) {
  FakeWorld world;
  add_notice(world);
  int left = 3;
  world.fault = [&](const std::string& what) -> std::optional<Error> {
    if (what != "notice send" || left-- <= 0) return std::nullopt;
    return fail(ErrorCode::network, "smtp", "the connection broke").error();
  };
  world.run();
  EXPECT_EQ(world.status(kBefore), StepStatus::done);
  EXPECT_THAT(world.notes, Contains(HasSubstr("tried again")));
}

TEST(Notices, ARefusedRecipientIsAFindingAndTheOthersGetTheirs) {
  FakeWorld world;
  add_notice(world);
  world.refused_recipients["bert@alpha.test"] = "550 5.1.1 no such user";
  world.run();
  EXPECT_EQ(world.status(kBefore), StepStatus::done);
  EXPECT_THAT(world.mails.at(0).to, ElementsAre("anna@alpha.test"));
  const auto findings = world.store().findings();
  const auto found = std::find_if(findings->begin(), findings->end(),
                                  [](const Finding& f) { return f.id == "NO-02"; });
  ASSERT_NE(found, findings->end());
  EXPECT_THAT(found->text, HasSubstr("550 5.1.1 no such user"));
}

TEST(Notices, WhereNobodyIsTakenTheFlipIsHeldAlsoTheSecondTime) {
  FakeWorld world;
  add_notice(world);
  world.refused_recipients = {{"anna@alpha.test", "550 no"}, {"bert@alpha.test", "550 no"}};
  for (int i = 0; i < 2; ++i) {
    world.run();
    EXPECT_EQ(world.status(kBefore), StepStatus::waiting) << i;
    EXPECT_THAT(world.why(kBefore), HasSubstr("NO-01")) << i;
  }
}

TEST(Notices, ARecipientThatIsPutOffGetsItWithoutTheOthersGettingItTwice) {
  FakeWorld world;
  add_notice(world);
  world.refused_recipients["bert@alpha.test"] = "451 greylisted";
  world.fault = [&](const std::string& what) -> std::optional<Error> {
    if (what == "notice send" && !world.mails.empty()) world.refused_recipients.clear();
    return std::nullopt;
  };
  world.run();
  ASSERT_GE(world.mails.size(), 2U);
  std::vector<std::string> all;
  for (const auto& mail : world.mails)
    if (mail.to.front() != "ops@alpha.test") all.insert(all.end(), mail.to.begin(), mail.to.end());
  EXPECT_THAT(all, ElementsAre("anna@alpha.test", "bert@alpha.test"));
}

// The server took it and the answer was lost, as after a kill: it is sent again, octet for octet.
TEST(Notices, SentAgainTheyAreTheSameMessageAndTheRunSaysSo) {
  FakeWorld world;
  add_notice(world);
  bool lost = false;
  world.fault = [&](const std::string& what) -> std::optional<Error> {
    if (what != "notice sent" || lost) return std::nullopt;
    lost = true;
    return fail(ErrorCode::cancelled, "smtp", "stopped").error();
  };
  world.run();
  world.clock.advance(minutes(7));
  world.run();
  std::vector<std::string> users;
  for (const auto& mail : world.mails)
    if (mail.to.size() == 2) users.push_back(mail.message);
  ASSERT_EQ(users.size(), 2U);
  EXPECT_EQ(users[0], users[1]);
  EXPECT_THAT(world.notes, Contains(HasSubstr("may arrive twice, with the same Message-ID")));
}

TEST(Notices, WithoutNoticeInThePlanThereAreNone) {
  FakeWorld world;
  EXPECT_EQ(world.plan().find(kBefore), nullptr);
  EXPECT_EQ(world.plan().find(kLead), nullptr);
}

TEST(NoticeText, SaysSettingsWhatIsNotMovedAndHowToKeepACopy) {
  FakeWorld world;
  add_notice(world);
  world.file.domains[0].client.push_back({"_submissions._tcp", "SRV", {"0 1 465 smtp.new.test."}});
  auto plan = world.plan();
  plan.not_moved = {"calendars", "a <b> & c"};
  for (const auto name : config::notice_names()) {
    const auto text = notice_text(world.file, plan, std::string(name), "alpha.test");
    ASSERT_TRUE(text) << text.error().message();
    for (const auto& part : {text->text, text->html}) {
      EXPECT_THAT(part, HasSubstr("Incoming mail (IMAP): imap.new.test, port 993, TLS")) << name;
      EXPECT_THAT(part, HasSubstr("Outgoing mail (SMTP): smtp.new.test, port 465, TLS")) << name;
      EXPECT_THAT(part, HasSubstr("Not moved by mxferry")) << name;
      EXPECT_THAT(part, Not(HasSubstr("{{"))) << name;
    }
    EXPECT_THAT(text->text, HasSubstr("  - a <b> & c"));
    EXPECT_THAT(text->html, HasSubstr("<li>a &lt;b&gt; &amp; c</li>"));
    if (name.ends_with("users")) {
      EXPECT_THAT(text->text, HasSubstr("Backing up your own mail"));
    }
    EXPECT_FALSE(text->subject.empty());
  }
  world.file.notice.templates = {
      {"before-users.txt", "Subject: Eigen: {{domain}}\n\nHallo {{contact}}\n"},
      {"before-users.html", "<p>{{ contact }}</p>"}};
  const auto own = notice_text(world.file, plan, "before-users", "alpha.test");
  ASSERT_TRUE(own);
  EXPECT_EQ(own->subject, "Eigen: alpha.test");
  EXPECT_EQ(own->text, "Hallo ops@alpha.test\n");
  EXPECT_EQ(own->html, "<p>ops@alpha.test</p>");
}

}  // namespace
}  // namespace mxferry::pipeline
