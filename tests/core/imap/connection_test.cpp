// SPDX-License-Identifier: Apache-2.0
// Conversations with an IMAP server as scripts; each step is failed in turn.
#include "imap/connection.hpp"

#include <gtest/gtest.h>

#include "core/imap/scripted_client.hpp"

namespace mxferry::imap {
namespace {

// What came of opening a connection; the connection itself ends with the executor that it was made
// on.
struct Opened {
  Result<void> done;
  bool has_literal_plus = false;
  bool has_auth_plain = false;
  bool offered_tls = false;
  explicit operator bool() const { return done.has_value(); }
  const Error& error() const { return done.error(); }
};

Task<Opened> open_and_close(std::shared_ptr<Script> s, net::Endpoint where) {
  ScriptedConnector connector(s);
  Opened out;
  auto connection =
      co_await Connection::open(connector, where, anna(), MailboxRole::ReadOnly, quick());
  if (!connection) {
    out.done = fail(std::move(connection).error());
    co_return out;
  }
  out.has_literal_plus = (*connection)->has("LITERAL+");
  out.has_auth_plain = (*connection)->has("AUTH=PLAIN");
  out.offered_tls = (*connection)->offered_tls();
  co_return out;
}

Opened open(std::shared_ptr<Script> s, net::Endpoint where) {
  return test::run_task(open_and_close(std::move(s), std::move(where)));
}

const std::vector<Step> kStartTls = {
    {"", "* OK hello\r\n"},
    {"A1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\nA1 OK\r\n"},
    {"A2 STARTTLS\r\n", "A2 OK go\r\n"},
    {"<TLS>", ""},
    {"A1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\nA1 OK\r\n"},
    {"A2 AUTHENTICATE PLAIN " + kSecret64 + "\r\n", "A2 OK [CAPABILITY IMAP4rev1 LITERAL+] in\r\n"},
};

bool holds_credential(const Script& s) {
  return s.transcript.find(kSecret) != std::string::npos ||
         s.transcript.find(kSecret64) != std::string::npos;
}

TEST(ImapConnection, UpgradesLogsInAndReadsCapabilitiesAgain) {
  for (const std::size_t piece : {1U, 7U, 1000U}) {
    auto s = script(kStartTls);
    s->piece = piece;
    auto connection = open(s, endpoint(net::Security::starttls));
    ASSERT_TRUE(connection) << connection.error().message() << s->problem;
    EXPECT_TRUE(s->finished()) << s->problem;
    EXPECT_TRUE(connection.has_literal_plus);
    EXPECT_FALSE(connection.has_auth_plain);
    EXPECT_TRUE(connection.offered_tls);
  }
}

TEST(ImapConnection, EveryStepThatFailsIsAnErrorAndLeaksNothingBeforeTls) {
  for (std::size_t k = 0; k < kStartTls.size(); ++k) {
    for (const std::string answer :
         {"<EOF>", "<HANG>", "rubbish\r\n", "* BYE [UNAVAILABLE] later\r\n", "NO", "BAD"}) {
      auto steps = kStartTls;
      if (steps[k].client == "<TLS>" && answer != "<EOF>") continue;
      if (answer == "NO" || answer == "BAD") {
        if (steps[k].client.empty()) continue;
        steps[k].server = steps[k].client.substr(0, 2) + " " + answer + " I will not\r\n";
        // A refused CAPABILITY leaves none known: before TLS that is no STARTTLS, after it LOGIN is
        // tried. Not this test.
        if (steps[k].client.find("CAPABILITY") != std::string::npos && k > 3) continue;
      } else {
        steps[k].server = answer;
      }
      steps.resize(k + 1);
      auto s = script(steps);
      auto connection = open(s, endpoint(net::Security::starttls));
      ASSERT_FALSE(connection) << "step " << k << " " << answer;
      EXPECT_EQ(s->problem, "") << "step " << k << " " << answer;
      EXPECT_TRUE(s->client_closed || s->closed) << "step " << k << " " << answer;
      const bool may_hold = k >= 5;
      EXPECT_TRUE(may_hold || !holds_credential(*s)) << "step " << k << " " << answer;
    }
  }
}

TEST(ImapConnection, NeverLogsInWhereStartTlsIsAbsentRefusedOrPreempted) {
  const Step greeting{"", "* OK hello\r\n"};
  const Step offers{"A1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\nA1 OK\r\n"};
  const std::vector<std::vector<Step>> attacks = {
      {greeting, {"A1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA1 OK\r\n"}},
      {greeting, offers, {"A2 STARTTLS\r\n", "A2 NO not now\r\n"}},
      {greeting, offers, {"A2 STARTTLS\r\n", "A2 BAD what\r\n"}},
      {{"", "* PREAUTH welcome\r\n"}},
      {greeting,
       offers,
       {"A2 STARTTLS\r\n", "A2 OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"},
       {"<TLS>", ""}},
      {greeting, offers, {"A2 STARTTLS\r\n", "A2 OK go\r\nA"}, {"<TLS>", ""}},
  };
  for (std::size_t i = 0; i < attacks.size(); ++i) {
    auto s = script(attacks[i]);
    auto connection = open(s, endpoint(net::Security::starttls));
    ASSERT_FALSE(connection) << i;
    EXPECT_EQ(connection.error().code, ErrorCode::tls) << i << connection.error().message();
    EXPECT_FALSE(holds_credential(*s)) << i;
    EXPECT_EQ(s->handshakes, 0) << i;
    EXPECT_TRUE(s->client_closed) << i;
    EXPECT_EQ(s->problem, "") << i;
  }
}

TEST(ImapConnection, PlainTextOnlyTowardsLoopbackOrByPermissionAndNeverAfterTlsWasOffered) {
  const std::vector<Step> plain = {
      {"", "* OK [CAPABILITY IMAP4rev1] hello\r\n"},
      {"A1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1\r\nA1 OK\r\n"},
      {"A2 LOGIN \"anna\" \"" + kSecret + "\"\r\n", "A2 OK [CAPABILITY IMAP4rev1] in\r\n"},
  };
  auto s = script(plain);
  s->loopback = true;
  EXPECT_TRUE(open(s, endpoint(net::Security::starttls)));
  s = script(plain);
  auto allowed = endpoint(net::Security::starttls);
  allowed.allow_plaintext = true;
  EXPECT_TRUE(open(s, allowed));
  s = script(plain);
  s->loopback = true;
  allowed.offered_tls_before = true;
  auto refused = open(s, allowed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::tls);
  EXPECT_FALSE(holds_credential(*s));
}

TEST(ImapConnection, WhatWasLearntBeforeTlsIsForgotten) {
  auto steps = kStartTls;
  steps[1].server = "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR LITERAL+\r\nA1 OK\r\n";
  steps[4].server = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA1 OK\r\n";  // no SASL-IR inside
  steps.resize(5);
  steps.push_back({"A2 AUTHENTICATE PLAIN\r\n", "+ \r\n"});
  steps.push_back({kSecret64 + "\r\n", "A2 OK [CAPABILITY IMAP4rev1] in\r\n"});
  auto s = script(steps);
  auto connection = open(s, endpoint(net::Security::starttls));
  ASSERT_TRUE(connection) << s->problem;
  EXPECT_FALSE(connection.has_literal_plus);
}

TEST(ImapConnection, ARefusedCredentialIsAuthAndNamesTheAccount) {
  auto steps = kStartTls;
  steps.back().server = "A2 NO [AUTHENTICATIONFAILED] wrong\r\n";
  auto refused = open(script(steps), endpoint(net::Security::starttls));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::auth);
  EXPECT_EQ(refused.error().retry, Retry::never);
  EXPECT_NE(refused.error().text.find("anna"), std::string::npos);
  EXPECT_EQ(refused.error().message().find(kSecret), std::string::npos);
  steps.back().server = "A2 NO [UNAVAILABLE] later\r\n";
  EXPECT_EQ(open(script(steps), endpoint(net::Security::starttls)).error().code,
            ErrorCode::rate_limited);
  steps.back().server = "A2 NO [REFERRAL imap://anna@evil.example/] elsewhere\r\n";
  auto referred = open(script(steps), endpoint(net::Security::starttls));
  EXPECT_EQ(referred.error().code, ErrorCode::auth);
  EXPECT_NE(referred.error().remedy.find("never followed"), std::string::npos);
}

// NUL and ^A part the fields of SASL messages: such a credential would be read as another one.
TEST(ImapConnection, ACredentialThatSaslCannotCarryIsNotSent) {
  const std::string nul("an\0na", 5);
  for (const bool bearer : {false, true}) {
    for (int field = 0; field < 3; ++field) {
      Credentials who = anna();
      who.kind = bearer ? Credentials::Kind::bearer : Credentials::Kind::password;
      const std::string value = bearer ? "an\x01na" : nul;
      if (field == 0) who.user = value;
      if (field == 1) who.secret = Secret(value);
      if (field == 2) who.authzid = value;
      auto s = script({kStartTls.begin(), kStartTls.begin() + 5});
      const auto work = [](std::shared_ptr<Script> said, Credentials with) -> Task<Result<void>> {
        ScriptedConnector connector(said);
        auto connection = co_await Connection::open(connector, endpoint(net::Security::starttls),
                                                    with, MailboxRole::ReadOnly, quick());
        if (!connection) co_return fail(std::move(connection).error());
        co_return Result<void>();
      };
      const auto done = test::run_task(work(s, who));
      ASSERT_FALSE(done) << bearer << field;
      EXPECT_EQ(done.error().code, ErrorCode::config) << bearer << field;
      EXPECT_EQ(s->transcript.find("AUTHENTICATE"), std::string::npos) << s->transcript;
      EXPECT_EQ(s->transcript.find("LOGIN"), std::string::npos) << s->transcript;
    }
  }
}

TEST(ImapConnection, PreauthInsideTlsIsRefused) {
  auto refused =
      open(script({{"<TLS>", ""}, {"", "* PREAUTH hello\r\n"}}), endpoint(net::Security::tls));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::protocol);
}

// --- Client
// -----------------------------------------------------------------------------------------------

TEST(ImapClient, ListsThePersonalNamespaceWithoutExtensions) {
  auto steps =
      logged_in("NAMESPACE", "((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"shared.\" \".\"))");
  steps.push_back({"A3 LIST \"\" \"*\"\r\n",
                   "* LIST () \".\" INBOX\r\n* LIST () \".\" {9}\r\nINBOX.a\"b\r\n* LIST "
                   "(\\Noselect) \".\" INBOX.Dir\r\n"
                   "* LIST () \".\" \"INBOX.Gesendete Elemente\"\r\n* LIST () \".\" user.bob\r\n* "
                   "LIST () \".\" shared\r\nA3 OK\r\n"});
  steps.push_back({"A4 LSUB \"\" \"*\"\r\n", "* LSUB () \".\" INBOX\r\nA4 OK\r\n"});
  steps.push_back(
      {"A5 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)\r\nA6 STATUS \"INBOX.a\\\"b\" (MESSAGES "
       "UIDNEXT UIDVALIDITY)\r\n"
       "A7 STATUS \"INBOX.Gesendete Elemente\" (MESSAGES UIDNEXT UIDVALIDITY)\r\n",
       "* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1)\r\nA5 OK\r\nA6 NO [SERVERBUG] no\r\n"
       "* STATUS \"INBOX.Gesendete Elemente\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1)\r\nA7 OK\r\n"});
  auto s = script(steps);
  const auto work = [](Client& client, Outcome& out) -> Task<void> {
    auto folders = co_await client.list_folders();
    if (!folders) {
      out.done = fail(std::move(folders).error());
      co_return;
    }
    for (const auto& f : *folders) {
      for (const auto& part : f.path) out.text += part + "|";
      out.text += std::string(f.selectable ? "" : " noselect") +
                  (f.subscribed ? " subscribed" : "") + (f.use == SpecialUse::sent ? " sent" : "") +
                  (f.state ? " known" : "") + "\n";
    }
  };
  const auto out = test::run_task(with_client(s, MailboxRole::ReadOnly, work));
  ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
  EXPECT_EQ(out.text,
            "INBOX| subscribed known\na\"b|\nDir| noselect\nGesendete Elemente| sent known\n");
  EXPECT_TRUE(s->finished()) << s->problem;
}

TEST(ImapClient, FetchesBodiesWhereverTheyStandInTheAnswer) {
  auto steps = logged_in("");
  steps.push_back({"A3 EXAMINE \"INBOX\"\r\n",
                   "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99] x\r\n* OK "
                   "[PERMANENTFLAGS ()] x\r\nA3 OK [READ-ONLY] in\r\n"});
  steps.push_back(
      {"A4 UID FETCH 5:6 (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n",
       "* 1 FETCH (BODY[] {4}\r\nab\r\n FLAGS (\\Seen) UID 5 INTERNALDATE \"17-Jul-1996 02:44:25 "
       "-0700\")\r\n"
       "* 9 EXPUNGE\r\n* 2 FETCH (FLAGS (x))\r\n* 2 FETCH (UID 6 FLAGS () BODY[] \"cd\")\r\n"
       "* 3 FETCH (UID 77 BODY[] {1}\r\nz)\r\nA4 OK\r\n"});
  auto s = script(steps);
  const auto work = [](Client& client, Outcome& out) -> Task<void> {
    auto state = co_await client.open_folder("INBOX");
    if (!state) co_return;
    out.text = std::to_string(state->uid_validity->value) + "/" +
               std::to_string(state->uid_next->value) + "\n";
    UidSet set;
    set.add(Uid(5), Uid(6));
    auto messages = co_await client.fetch_messages(set);
    if (!messages) {
      out.done = fail(std::move(messages).error());
      co_return;
    }
    for (const auto& m : *messages)
      out.text +=
          std::to_string(m.info.uid.value) + " " + m.body + " (" + m.info.flags.text() + ")\n";
  };
  const auto out = test::run_task(with_client(s, MailboxRole::ReadOnly, work));
  ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
  EXPECT_EQ(out.text, "7/99\n5 ab\r\n (\\Seen)\n6 cd ()\n");
}

TEST(ImapClient, ADateThatIsNoneIsNoReasonToEndTheConnection) {
  auto steps = logged_in("");
  steps.push_back({"A3 EXAMINE \"INBOX\"\r\n",
                   "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99] x\r\nA3 OK in\r\n"});
  steps.push_back({"A4 UID FETCH 1:9 (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n",
                   "* 1 FETCH (UID 5 FLAGS () INTERNALDATE \"31-Feb-2019 26:00:00 +0000\" "
                   "RFC822.SIZE 3)\r\n* 2 FETCH (UID 6 FLAGS () INTERNALDATE \"17-Jul-1996 "
                   "02:44:25 -0700\" RFC822.SIZE 4)\r\n* 3 FETCH (UID 7 FLAGS () INTERNALDATE "
                   "\"\" RFC822.SIZE 4)\r\nA4 OK\r\n"});
  auto s = script(steps);
  const auto work = [](Client& client, Outcome& out) -> Task<void> {
    auto state = co_await client.open_folder("INBOX");
    if (!state) co_return;
    auto listed = co_await client.list_messages(Uid(1), Uid(9));
    if (!listed) {
      out.done = fail(std::move(listed).error());
      co_return;
    }
    for (const auto& m : *listed)
      out.text += std::to_string(m.uid.value) + (m.date ? " dated\n" : " undated\n");
  };
  const auto out = test::run_task(with_client(s, MailboxRole::ReadOnly, work));
  ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
  EXPECT_EQ(out.text, "5 undated\n6 dated\n7 undated\n");
}

Task<void> append_two(Client& client, Outcome& out) {
  auto state = co_await client.open_folder("box");
  if (!state) {
    out.done = fail(std::move(state).error());
    co_return;
  }
  std::vector<OutgoingMessage> batch(2);
  batch[0].body = "one";
  batch[1].body = "two";
  auto outcome = co_await client.append(std::move(batch));
  if (!outcome) {
    out.done = fail(std::move(outcome).error());
    co_return;
  }
  for (const auto& each : outcome->each)
    out.text += (each.stored ? "stored " : "refused ") +
                (each.uid ? std::to_string(each.uid->value) : std::string("?")) + "\n";
}

const std::string kSelected =
    "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\nA3 OK [READ-WRITE] in\r\n";

TEST(ImapClient, AppendUidCountsOnlyForThisFolderAndTheWholeBatch) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"A4 OK [APPENDUID 7 4:5] x\r\n", "stored 4\nstored 5\n"},
      {"A4 OK [APPENDUID 8 4:5] x\r\n", "stored ?\nstored ?\n"},
      {"A4 OK [APPENDUID 7 4] x\r\n", "stored ?\nstored ?\n"},
      {"A4 OK [APPENDUID 7 4:6] x\r\n", "stored ?\nstored ?\n"},
      {"A4 OK x\r\n", "stored ?\nstored ?\n"},
      {"A4 NO [OVERQUOTA] full\r\n", "refused ?\nrefused ?\n"},
  };
  for (const auto& [answer, expected] : answers) {
    auto steps = logged_in("LITERAL+ MULTIAPPEND UIDPLUS");
    steps.push_back({"A3 SELECT \"box\"\r\n", kSelected});
    steps.push_back({"A4 APPEND \"box\" {3+}\r\none {3+}\r\ntwo\r\n", answer});
    auto s = script(steps);
    const auto out = test::run_task(with_client(s, MailboxRole::Destination, append_two));
    ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
    EXPECT_EQ(out.text, expected) << answer;
  }
}

Task<void> move_five(Client& client, Outcome& out) {
  auto opened = co_await client.open_folder("box");
  if (!opened) {
    out.done = fail(std::move(opened).error());
    co_return;
  }
  auto moved = co_await client.move_message(Uid(5), "other");
  if (!moved) {
    out.done = fail(std::move(moved).error());
    co_return;
  }
  out.text = *moved ? std::to_string((*moved)->value) : "?";
}

// RFC 6851 §4.3: COPYUID comes untagged or tagged; what is not about this message is no answer.
TEST(ImapClient, AMoveTellsItsNewUidOnlyWhereTheServerSaysIt) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"* OK [COPYUID 9 5 77] x\r\n* 1 EXPUNGE\r\nA4 OK done\r\n", "77"},
      {"* 1 EXPUNGE\r\nA4 OK [COPYUID 9 5 77] done\r\n", "77"},
      {"* 1 EXPUNGE\r\nA4 OK done\r\n", "?"},
      {"A4 OK [COPYUID 9 6 77] done\r\n", "?"},
      {"A4 OK [COPYUID 9 5 77:78] done\r\n", "?"},
  };
  for (const auto& [answer, expected] : answers) {
    auto steps = logged_in("MOVE UIDPLUS");
    steps.push_back({"A3 SELECT \"box\"\r\n", kSelected});
    steps.push_back({"A4 UID MOVE 5 \"other\"\r\n", answer});
    auto s = script(steps);
    const auto out = test::run_task(with_client(s, MailboxRole::Destination, move_five));
    ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
    EXPECT_EQ(out.text, expected) << answer;
  }
  // Without MOVE, and for an old host of a rollback, there is no such command.
  auto steps = logged_in("");
  steps.push_back({"A3 SELECT \"box\"\r\n", kSelected});
  auto s = script(steps);
  auto out = test::run_task(with_client(s, MailboxRole::Destination, move_five));
  ASSERT_FALSE(out.done);
  EXPECT_EQ(out.done.error().code, ErrorCode::unsupported);
  steps = logged_in("MOVE");
  steps.push_back({"A3 SELECT \"box\"\r\n", kSelected});
  s = script(steps);
  out = test::run_task(with_client(s, MailboxRole::RollbackAppend, move_five));
  EXPECT_FALSE(out.done) << "nothing was sent: the script has no such step";
}

TEST(ImapClient, WithoutLiteralPlusEachAppendWaitsForItsPlus) {
  auto steps = logged_in("");
  steps.push_back({"A3 SELECT \"box\"\r\n", kSelected});
  steps.push_back({"A4 APPEND \"box\" {3}\r\n", "+ go\r\n"});
  steps.push_back({"one\r\nA5 APPEND \"box\" {3}\r\n", "A4 OK x\r\nA5 NO [TOOBIG] no\r\n"});
  auto s = script(steps);
  const auto out = test::run_task(with_client(s, MailboxRole::Destination, append_two));
  ASSERT_TRUE(out.done) << out.done.error().message() << s->problem;
  EXPECT_EQ(out.text, "stored ?\nrefused ?\n");
}

TEST(ImapClient, EveryAppendStepThatFailsIsAnError) {
  std::vector<Step> whole = logged_in("");
  const auto first = whole.size();
  whole.push_back({"A3 SELECT \"box\"\r\n", kSelected});
  whole.push_back({"A4 APPEND \"box\" {3}\r\n", "+ go\r\n"});
  whole.push_back({"one\r\nA5 APPEND \"box\" {3}\r\n", "A4 OK x\r\n+ go\r\n"});
  whole.push_back({"two\r\n", "A5 OK x\r\n"});
  for (std::size_t k = first; k < whole.size(); ++k) {
    for (const std::string answer : {"<EOF>", "<HANG>", "rubbish\r\n", "* BYE bye\r\n"}) {
      auto steps = whole;
      steps[k].server = answer;
      steps.resize(k + 1);
      auto s = script(steps);
      const auto out = test::run_task(with_client(s, MailboxRole::Destination, append_two));
      ASSERT_FALSE(out.done) << k << answer;
      const auto code = out.done.error().code;
      EXPECT_TRUE(code == ErrorCode::network || code == ErrorCode::timeout ||
                  code == ErrorCode::protocol)
          << k << answer << out.done.error().message();
    }
  }
}

TEST(ImapClient, AReadOnlyClientHasNothingToAppendWith) {
  auto steps = logged_in("");
  steps.push_back(
      {"A3 EXAMINE \"box\"\r\n",
       "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\nA3 OK [READ-ONLY] in\r\n"});
  auto s = script(steps);
  const auto out = test::run_task(with_client(s, MailboxRole::ReadOnly, append_two));
  ASSERT_FALSE(out.done);
  EXPECT_EQ(out.done.error().code, ErrorCode::denied);
  EXPECT_EQ(s->transcript.find("APPEND"), std::string::npos);
}

class CountingSink final : public MessageSink {
 public:
  Task<Result<void>> begin(std::uint64_t size) override {
    announced = size;
    co_return Result<void>();
  }
  Task<Result<void>> write(std::string_view bytes) override {
    got += bytes;
    co_return Result<void>();
  }
  std::uint64_t announced = 0;
  std::string got;
};

Task<void> stream_seven(Client& client, Outcome& out) {
  CountingSink sink;
  auto done = co_await client.stream_message(Uid(7), sink);
  out.text = std::to_string(sink.announced) + " " + sink.got;
  out.done = std::move(done);
}

TEST(ImapClient, StreamsOneMessageAndNoticesALie) {
  const auto run = [](const std::string& answer) {
    auto steps = logged_in("");
    steps.push_back({"A3 UID FETCH 7 (UID BODY.PEEK[])\r\n", answer});
    auto s = script(steps);
    s->piece = 3;
    return test::run_task(with_client(s, MailboxRole::ReadOnly, stream_seven));
  };
  auto out = run("* 1 FETCH (BODY[] {10}\r\n0123456789 UID 7)\r\nA3 OK\r\n");
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.text, "10 0123456789");
  EXPECT_EQ(run("A3 OK\r\n").done.error().code, ErrorCode::not_found);
  EXPECT_EQ(run("* 1 FETCH (BODY[] {10}\r\n0123456789 UID 8)\r\nA3 OK\r\n").done.error().code,
            ErrorCode::protocol);
  auto short_one = run("* 1 FETCH (UID 7 BODY[] {10}\r\n01234");
  EXPECT_EQ(short_one.done.error().code, ErrorCode::timeout);
  EXPECT_EQ(short_one.text, "10 01234");
}

}  // namespace
}  // namespace mxferry::imap
