// SPDX-License-Identifier: Apache-2.0
#include "imap/binary.hpp"

#include <gtest/gtest.h>

#include "core/imap/scripted_client.hpp"

namespace mxferry::imap {
namespace {

using namespace std::string_literals;

const std::string kHead = "Subject: s\r\n\r\n";

std::string literal(const std::string& bytes, const char* sign = "") {
  return sign + ("{" + std::to_string(bytes.size())) + "}\r\n" + bytes;
}

std::string body(int uid, const std::string& bytes) {
  return "* " + std::to_string(uid) + " FETCH (UID " + std::to_string(uid) + " FLAGS () BODY[] " +
         literal(bytes) + ")\r\n";
}
std::string binary(int uid, const std::string& bytes) {
  return "* " + std::to_string(uid) + " FETCH (UID " + std::to_string(uid) + " BINARY[] " +
         literal(bytes, "~") + ")\r\n";
}

// As EXAMINE, FETCH, and what is asked by BINARY; `asked` empty: nothing is.
std::shared_ptr<Script> source(const std::string& capabilities, const std::string& bodies,
                               const std::string& asked, const std::string& answer) {
  auto steps = logged_in(capabilities);
  steps.push_back({"A3 EXAMINE \"INBOX\"\r\n",
                   "* 4 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99] x\r\nA3 OK\r\n"});
  steps.push_back(
      {"A4 UID FETCH 1:4 (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n", bodies + "A4 OK\r\n"});
  if (!asked.empty())
    steps.push_back({"A5 UID FETCH " + asked + " (UID BINARY.PEEK[])\r\n", answer});
  return script(steps);
}

Task<void> fetch_four(Client& client, Outcome& out) {
  auto state = co_await client.open_folder("INBOX");
  if (!state) co_return;
  UidSet set;
  set.add(Uid(1), Uid(4));
  auto messages = co_await client.fetch_messages(set);
  if (!messages) {
    out.done = fail(std::move(messages).error());
    co_return;
  }
  for (const auto& message : *messages)
    out.text += std::to_string(message.info.uid.value) + (message.nul_lost ? " lost " : " ") +
                message.body.substr(std::min(kHead.size(), message.body.size())) + "\n";
}

TEST(Binary, GivesTheNulsThatBodyHasNot) {
  auto s = source("BINARY",
                  body(1, kHead + "a\x80z") + body(2, kHead + "plain") +
                      body(3, kHead + "\x80 YWI=") + body(4, kHead + "e \x80"),
                  "1,3:4",
                  binary(1, kHead + "a\0z"s) + binary(3, kHead + "\0 ab"s) +
                      binary(4, kHead + "e \x80") + "A5 OK\r\n");
  const auto out = test::run_task(with_client(s, MailboxRole::ReadOnly, fetch_four));
  ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
  EXPECT_EQ(out.text, "1 a\0z\n2 plain\n3 lost \x80 YWI=\n4 e \x80\n"s);
  EXPECT_TRUE(s->finished()) << s->problem;
}

TEST(Binary, IsNotAskedWithoutReasonOrWhereItIsNotOffered) {
  for (const bool offered : {true, false}) {
    const std::string mail =
        offered ? "an em dash \xE2\x80\x94, \xE2\x82\x80" : "a\x80z";  // UTF-8 has 0x80 in it
    auto s = source(offered ? "BINARY" : "", body(1, kHead + mail), "", "");
    const auto out = test::run_task(with_client(s, MailboxRole::ReadOnly, fetch_four));
    ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
    EXPECT_EQ(out.text, "1 " + mail + "\n");
    EXPECT_TRUE(s->finished()) << s->problem;
  }
}

TEST(Binary, ThatIsRefusedOrTooLongChangesNothing) {
  const std::string mail = kHead + "a\x80z";
  for (const std::string& answer : {"A5 NO [UNKNOWN-CTE] no\r\n"s, "A5 BAD what\r\n"s,
                                    binary(1, kHead + "a\0z and more"s) + "A5 OK\r\n",
                                    binary(2, kHead + "a\0z"s) + "A5 OK\r\n", "A5 OK\r\n"s}) {
    auto s = source("BINARY", body(1, mail), "1", answer);
    const auto out = test::run_task(with_client(s, MailboxRole::ReadOnly, fetch_four));
    ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
    EXPECT_EQ(out.text, "1 a\x80z\n") << answer;
  }
}

// A look-up reads the header by another command: the message would not be known again.
TEST(Binary, DoesNotTouchWhatAMessageIsKnownBy) {
  const std::string headerless = "no header at all \x80z";
  const std::string in_header = "Subject: \x80 s\r\n\r\nb";
  auto s = source(
      "BINARY", body(1, headerless) + body(2, in_header), "1:2",
      binary(1, "no header at all \0z"s) + binary(2, "Subject: \0 s\r\n\r\nb"s) + "A5 OK\r\n");
  const auto out = test::run_task(with_client(s, MailboxRole::ReadOnly, fetch_four));
  ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
  EXPECT_EQ(out.text, "1 lost " + headerless.substr(kHead.size()) + "\n2 lost " +
                          in_header.substr(kHead.size()) + "\n");
}

TEST(Binary, GoesOutAsLiteral8OnlyWhereItIsOfferedAndNeeded) {
  for (const std::string capabilities : {"LITERAL+ MULTIAPPEND", "LITERAL+ MULTIAPPEND BINARY"}) {
    const std::string sign = capabilities.ends_with("BINARY") ? "~" : "";
    auto steps = logged_in(capabilities);
    steps.push_back({"A3 SELECT \"box\"\r\n",
                     "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\nA3 OK "
                     "[READ-WRITE] in\r\n"});
    steps.push_back(
        {"A4 APPEND \"box\" " + sign + "{3+}\r\na\0z {3+}\r\ntwo\r\n"s, "A4 OK done\r\n"});
    auto s = script(steps);
    const auto append = [](Client& client, Outcome& out) -> Task<void> {
      auto state = co_await client.open_folder("box");
      if (!state) co_return;
      std::vector<OutgoingMessage> batch(2);
      batch[0].body = "a\0z"s;
      batch[1].body = "two";
      auto outcome = co_await client.append(std::move(batch));
      if (!outcome) out.done = fail(std::move(outcome).error());
    };
    const auto out = test::run_task(with_client(s, MailboxRole::Destination, append));
    ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
    EXPECT_TRUE(s->finished()) << s->problem;
  }
}

}  // namespace
}  // namespace mxferry::imap
