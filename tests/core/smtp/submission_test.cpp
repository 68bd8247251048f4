// SPDX-License-Identifier: Apache-2.0
// Conversations with a submission server as scripts: TLS before the credential, always; who was
// taken and who was not.
#include "smtp/submission.hpp"

#include <gtest/gtest.h>

#include "smtp/client.hpp"
#include "support/run_task.hpp"
#include "support/scripted_imap.hpp"

namespace mxferry::smtp {
namespace {

using test::Script;
using test::Step;

const std::string kPlain64 = "AG9wcwBzM2NyZXQtTWFya2Vy";  // NUL ops NUL s3cret-Marker

Submission submission(net::Security security, bool with_user) {
  Submission out;
  out.endpoint.host = "smtp.example";
  out.endpoint.port = 587;
  out.endpoint.security = security;
  out.helo = "mover.example";
  out.from = "ops@example.com";
  if (with_user) {
    out.user = "ops";
    out.secret = Secret("s3cret-Marker");
  }
  return out;
}

Result<Submitted> talk(const std::shared_ptr<Script>& script, Submission how,
                       const std::vector<std::string>& to) {
  test::ScriptedConnector connector(script);
  const std::string message = "Subject: x\r\n\r\n.dot\r\n";
  return test::run_task(submit(connector, std::move(how), to, message));
}

std::shared_ptr<Script> script(std::vector<Step> steps) {
  auto out = std::make_shared<Script>();
  out->steps = std::move(steps);
  return out;
}

std::vector<Step> whole() {
  return {{"", "220 smtp.example ready\r\n"},
          {"EHLO mover.example\r\n", "250-smtp.example\r\n250-STARTTLS\r\n250 SIZE 1000\r\n"},
          {"STARTTLS\r\n", "220 go\r\n"},
          {"<TLS>", ""},
          {"EHLO mover.example\r\n", "250-smtp.example\r\n250 AUTH LOGIN PLAIN\r\n"},
          {"AUTH PLAIN " + kPlain64 + "\r\n", "235 welcome\r\n"},
          {"MAIL FROM:<ops@example.com>\r\n", "250 ok\r\n"},
          {"RCPT TO:<a@example.com>\r\n", "250 ok\r\n"},
          {"RCPT TO:<b@example.com>\r\n", "550 5.1.1 no such user\r\n"},
          {"RCPT TO:<c@example.com>\r\n", "451 later\r\n"},
          {"DATA\r\n", "354 go\r\n"},
          {"Subject: x\r\n\r\n..dot\r\n.\r\n", "250 queued\r\n"},
          {"QUIT\r\n", "221 bye\r\n"}};
}

TEST(Submission, SaysWhoWasTakenAndWhoWasNot) {
  const auto s = script(whole());
  const auto done = talk(s, submission(net::Security::starttls, true),
                         {"a@example.com", "b@example.com", "c@example.com", "no address"});
  ASSERT_TRUE(done) << done.error().message() << s->problem;
  EXPECT_EQ(done->taken, std::vector<std::string>{"a@example.com"});
  ASSERT_EQ(done->refused.size(), 2U);
  EXPECT_EQ(done->refused[0].words, "550 5.1.1 no such user");
  EXPECT_EQ(done->refused[1].address, "no address");
  ASSERT_EQ(done->deferred.size(), 1U);
  EXPECT_EQ(done->deferred[0].address, "c@example.com");
  EXPECT_TRUE(s->finished());
  EXPECT_EQ(s->handshakes, 1);
}

TEST(Submission, SendsNothingWhereNobodyIsTaken) {
  auto steps = whole();
  steps[7].server = "550 no\r\n";
  steps.erase(steps.begin() + 8, steps.begin() + 12);
  const auto s = script(steps);
  const auto done = talk(s, submission(net::Security::starttls, true), {"a@example.com"});
  ASSERT_TRUE(done) << done.error().message() << s->problem;
  EXPECT_TRUE(done->taken.empty());
  EXPECT_EQ(s->transcript.find("DATA"), std::string::npos);
}

// Each way in which TLS does not come about: no credential, no address, no word of the mail.
TEST(Submission, SaysNothingWithoutTls) {
  struct Case {
    const char* name;
    std::vector<Step> steps;
    ErrorCode code;
  };
  const Step greeting{"", "220 smtp.example ready\r\n"};
  const Step ehlo{"EHLO mover.example\r\n", "250-smtp.example\r\n250 STARTTLS\r\n"};
  const std::vector<Case> cases = {
      {"not offered",
       {greeting, {"EHLO mover.example\r\n", "250-smtp.example\r\n250 AUTH PLAIN\r\n"}},
       ErrorCode::tls},
      {"refused", {greeting, ehlo, {"STARTTLS\r\n", "454 no\r\n"}}, ErrorCode::rate_limited},
      {"injected",
       {greeting, ehlo, {"STARTTLS\r\n", "220 go\r\n250 AUTH PLAIN\r\n"}},
       ErrorCode::tls}};
  for (const auto& one : cases) {
    const auto s = script(one.steps);
    const auto done = talk(s, submission(net::Security::starttls, true), {"a@example.com"});
    ASSERT_FALSE(done) << one.name;
    EXPECT_EQ(done.error().code, one.code) << one.name << " " << done.error().message();
    EXPECT_EQ(s->transcript.find("AUTH"), std::string::npos) << one.name;
    EXPECT_EQ(s->transcript.find("MAIL"), std::string::npos) << one.name;
  }
}

TEST(Submission, PlainTextIsTakenOnLoopbackAlone) {
  const std::vector<Step> steps = {{"", "220 lab\r\n"},
                                   {"EHLO mover.example\r\n", "250 lab\r\n"},
                                   {"MAIL FROM:<ops@example.com>\r\n", "250 ok\r\n"},
                                   {"RCPT TO:<a@example.com>\r\n", "250 ok\r\n"},
                                   {"DATA\r\n", "354 go\r\n"},
                                   {"Subject: x\r\n\r\n..dot\r\n.\r\n", "250 queued\r\n"},
                                   {"QUIT\r\n", "221 bye\r\n"}};
  for (const bool loopback : {false, true}) {
    const auto s = script(steps);
    s->loopback = loopback;
    const auto done = talk(s, submission(net::Security::starttls, false), {"a@example.com"});
    EXPECT_EQ(done.has_value(), loopback) << s->problem;
  }
}

TEST(Submission, AWrongPasswordIsAuthAndIsNotRepeatedInItsWords) {
  auto steps = whole();
  steps[5].server = "535 5.7.8 bad credentials s3cret-Marker " + kPlain64 + "\r\n";
  steps.resize(6);
  const auto s = script(steps);
  const auto done = talk(s, submission(net::Security::starttls, true), {"a@example.com"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::auth);
  EXPECT_NE(done.error().remote.find("bad credentials"), std::string::npos);
  EXPECT_EQ(done.error().message().find("s3cret"), std::string::npos);
  EXPECT_EQ(done.error().message().find(kPlain64), std::string::npos);
}

TEST(Submission, TlsFromTheFirstByte) {
  auto steps = whole();
  steps.erase(steps.begin() + 1, steps.begin() + 4);
  steps.insert(steps.begin(), {"<TLS>", ""});
  const auto s = script(steps);
  const auto done = talk(s, submission(net::Security::tls, true),
                         {"a@example.com", "b@example.com", "c@example.com"});
  EXPECT_EQ(s->problem, "");
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->taken.size(), 1U);
}

TEST(Submission, ReadsItsUrl) {
  const auto tls = parse_submission_url("smtps://smtp.example");
  ASSERT_TRUE(tls);
  EXPECT_EQ(tls->port, 465);
  EXPECT_EQ(tls->security, net::Security::tls);
  const auto plain = parse_submission_url("smtp://[::1]:2525/");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "::1");
  EXPECT_EQ(plain->port, 2525);
  EXPECT_EQ(parse_submission_url("smtp://h")->port, 587);
  for (const char* bad : {"", "http://h", "smtp://", "smtp://u@h", "smtp://h:0", "smtp://h:65536",
                          "smtp://h:x", "smtp://h/path", "smtp://[::1", "smtps://h:25x"})
    EXPECT_FALSE(parse_submission_url(bad)) << bad;
}

TEST(Submission, KnowsAnAddressThatCannotEscapeItsCommand) {
  EXPECT_TRUE(is_plain_address("a.b+c@example.com"));
  for (const char* bad : {"a", "@a", "a@", "a@b@c", "a b@c", "a@b>\r\nRCPT", "<a@b>", "\"a\"@b",
                          "a@b\n", "\xc3\xa4@b", "a,b@c"})
    EXPECT_FALSE(is_plain_address(bad)) << bad;
}

}  // namespace
}  // namespace mxferry::smtp
