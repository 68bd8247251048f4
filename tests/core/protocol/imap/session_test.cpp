// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/session.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/imap/limits.hpp"
#include "protocol/imap/parser.hpp"

namespace mxferry::imap {
namespace {

// An event as a line, so that two runs can be compared.
std::string describe(const Untagged& data) {
  struct Visitor {
    std::string operator()(const StatusResponse& d) {
      return "status " + std::to_string(static_cast<int>(d.status)) + " [" + d.code.name + "|" +
             d.code.args + "] " + d.text;
    }
    std::string operator()(const CapabilityData& d) {
      return "capability " + std::to_string(d.names.size());
    }
    std::string operator()(const EnabledData& d) {
      return "enabled " + std::to_string(d.names.size());
    }
    std::string operator()(const FlagsData& d) { return "flags " + std::to_string(d.names.size()); }
    std::string operator()(const ExistsData& d) { return "exists " + std::to_string(d.count); }
    std::string operator()(const RecentData& d) { return "recent " + std::to_string(d.count); }
    std::string operator()(const ExpungeData& d) { return "expunge " + std::to_string(d.sequence); }
    std::string operator()(const VanishedData& d) {
      return "vanished " + d.uids.text() + (d.earlier ? " earlier" : "");
    }
    std::string operator()(const ListData& d) {
      std::string out = std::string(d.lsub ? "lsub " : "list ") + d.name + " ";
      out += d.delimiter ? std::string(1, *d.delimiter) : "NIL";
      for (const auto& a : d.attributes) out += " " + a;
      for (const auto& c : d.child_info) out += " child=" + c;
      return out;
    }
    std::string operator()(const StatusData& d) {
      return "status-of " + d.name + " " + std::to_string(d.messages.value_or(0)) + " " +
             std::to_string(d.uid_next ? d.uid_next->value : 0) + " " +
             std::to_string(d.highest_modseq ? d.highest_modseq->value : 0);
    }
    std::string operator()(const SearchData& d) {
      return "search " + std::to_string(d.numbers.size());
    }
    std::string operator()(const ESearchData& d) {
      return "esearch " + (d.all ? d.all->text() : "none");
    }
    std::string operator()(const NamespaceData& d) {
      return "namespace " + std::to_string(d.personal.size()) +
             std::to_string(d.other_users.size()) + std::to_string(d.shared.size());
    }
    std::string operator()(const QuotaData& d) {
      return "quota " + std::to_string(d.resources.size());
    }
    std::string operator()(const QuotaRootData& d) { return "quotaroot " + d.mailbox; }
    std::string operator()(const FetchData& d) {
      std::string out = "fetch " + std::to_string(d.sequence) + " uid " +
                        std::to_string(d.uid ? d.uid->value : 0);
      if (d.flags) out += " flags (" + d.flags->text() + ")";
      if (d.size) out += " size " + std::to_string(*d.size);
      if (d.modseq) out += " modseq " + std::to_string(d.modseq->value);
      for (const auto& b : d.bodies)
        out += " body[" + b.section + "]" +
               (b.streamed      ? "streamed"
                : b.inline_text ? "=" + *b.inline_text
                                : "NIL") +
               std::to_string(b.size);
      return out;
    }
    std::string operator()(const OtherData& d) { return "other " + d.name; }
  };
  return std::visit(Visitor{}, data);
}

// Feeds `bytes` in pieces of `chunk` and lists the events; literal chunks are joined.
std::vector<std::string> events_of(Session& session, std::string_view bytes, std::size_t chunk) {
  std::vector<std::string> out;
  std::string literal;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    session.feed(bytes.substr(at, chunk));
    while (true) {
      auto event = session.poll();
      if (!event) {
        out.push_back("error " + event.error().text);
        return out;
      }
      if (!event->has_value()) break;
      if (const auto* tagged = std::get_if<Tagged>(&**event)) {
        out.push_back("tagged " + tagged->tag + " " + tagged->response.code.name + " " +
                      tagged->response.text);
      } else if (const auto* data = std::get_if<Untagged>(&**event)) {
        out.push_back(describe(*data));
      } else if (const auto* more = std::get_if<Continuation>(&**event)) {
        out.push_back("continue " + more->text);
      } else if (const auto* begin = std::get_if<LiteralBegin>(&**event)) {
        out.push_back("begin " + std::to_string(begin->body.size) + " uid " +
                      std::to_string(begin->uid ? begin->uid->value : 0));
        literal.clear();
      } else if (const auto* piece = std::get_if<LiteralChunk>(&**event)) {
        literal += piece->bytes;
      } else {
        out.push_back("literal " + literal);
      }
    }
  }
  return out;
}

using namespace std::string_literals;
const std::string kTranscript =
    "* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+] ready {5}\r\n"
    "* CAPABILITY IMAP4rev1 UIDPLUS\r\n"
    "* LIST (\\HasNoChildren \\Sent) \"/\" {7}\r\nwe\"ird{\r\n"
    "* LIST () NIL INBOX\r\n"
    "* LIST (\\Subscribed) \".\" \"a\\\"b\\\\c\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
    "* LSUB () \"|\" x\r\n"
    "* STATUS {5}\r\nINBOX (MESSAGES 3 UIDNEXT 4294967295 UIDVALIDITY 1 HIGHESTMODSEQ "
    "9223372036854775807 X (a b))\r\n"
    "* 3 EXISTS\r\n* 0 RECENT\r\n* 2 EXPUNGE\r\n"
    "* FLAGS (\\Seen \\Draft)\r\n"
    "* OK [PERMANENTFLAGS (\\Seen \\*)] kept\r\n"
    "* OK [UIDVALIDITY 4294967295] ok\r\n"
    "* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[] {12}\r\nhello\r\nworldUID 9 MODSEQ (77))\r\n"
    "* 2 FETCH (UID 10 BODY[HEADER.FIELDS (\"DATE\" FROM)] {2}\r\n\r\n BODY[] \"short\" "
    "RFC822.SIZE 5)\r\n"
    "* 3 FETCH (UID 11 BODY[] NIL ENVELOPE (\"x\" {3}\r\na)b NIL ((NIL NIL \"m\" \"h\"))) "
    "INTERNALDATE \" 1-Jan-2020 00:00:00 +0000\")\r\n"
    "* 4 FETCH (UID 12 BODY[]<0> {0}\r\n)\r\n"
    "* 0 FETCH (UID 13 BINARY[1] ~{4}\r\na\0b\n)\r\n"s
    "* ESEARCH (TAG \"A1\") UID ALL 1:5,7\r\n"
    "* SEARCH 1 2 3 (MODSEQ 5)\r\n"
    "* VANISHED (EARLIER) 1:4,9\r\n"
    "* NAMESPACE ((\"INBOX.\" \".\")) ((\"user/\" \"/\" \"X\" (\"y\"))) NIL\r\n"
    "* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" (STORAGE 10 512 MESSAGE 1 2)\r\n"
    "* ENABLED CONDSTORE\r\n"
    "* XSOMETHING new (a {2}\r\nxy b)\r\n"
    "+ go {3}\r\n"
    "A1 OK [APPENDUID 7 3:5] done\r\n"
    "A2 NO [OVERQUOTA] full {9}\r\n"
    "* BYE [UNAVAILABLE] closing\r\n";

TEST(ImapSession, AKeywordMayHoldTheBracketThatEndsACode) {
  // Cyrus 3.6 keeps such keywords (verified 2026-11).
  const auto read = parse_response("* OK [PERMANENTFLAGS (\\Seen a]b $L \\*)] Ok", {}, 0);
  ASSERT_TRUE(read) << read.error().message();
  const auto& status = std::get<StatusResponse>(std::get<Untagged>(*read));
  EXPECT_EQ(status.code.words, (std::vector<std::string>{"\\Seen", "a]b", "$L", "\\*"}));
  EXPECT_EQ(status.text, "Ok");
  // A list that does not end is no code.
  const auto open = parse_response("* OK [PERMANENTFLAGS (\\Seen] Ok", {}, 0);
  ASSERT_TRUE(open);
  EXPECT_TRUE(std::get<StatusResponse>(std::get<Untagged>(*open)).code.name.empty());
}

TEST(ImapSession, AQuotaRootWithoutAListHasNoLimits) {
  // Courier 1.0 says so where nothing is limited (verified 2026-11).
  for (const char* line : {"* QUOTA \"ROOT\"", "* QUOTA \"ROOT\" "}) {
    const auto read = parse_response(line, {}, 0);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_TRUE(std::get<QuotaData>(std::get<Untagged>(*read)).resources.empty());
  }
  EXPECT_FALSE(parse_response("* QUOTA \"ROOT\" (STORAGE 1 2", {}, 0));
}

TEST(ImapSession, SameEventsForEveryChunkSize) {
  std::vector<std::string> expected;
  for (std::size_t chunk = kTranscript.size(); chunk >= 1; --chunk) {
    Session session(MailboxRole::Destination);
    ASSERT_TRUE(session.submit(ReadCommands::noop()));
    ASSERT_TRUE(session.submit(ReadCommands::noop()));
    const auto events = events_of(session, kTranscript, chunk);
    if (expected.empty()) expected = events;
    ASSERT_EQ(events, expected) << "chunk " << chunk;
    ASSERT_EQ(session.buffered(), 0U);
    ASSERT_EQ(session.pending(), 0U);
  }
  const std::vector<std::string> some = {
      "list we\"ird{ / \\HasNoChildren \\Sent",
      "list INBOX NIL",
      "list a\"b\\c . \\Subscribed child=SUBSCRIBED",
      "status-of INBOX 3 4294967295 9223372036854775807",
      "begin 12 uid 0",
      "literal hello\r\nworld",
      "fetch 1 uid 9 flags (\\Seen) modseq 77 body[]streamed12",
      "fetch 2 uid 10 size 5 body[HEADER.FIELDS (DATE FROM)]streamed2 body[]=short5",
      "fetch 3 uid 11 body[]NIL0",
      "begin 0 uid 12",
      "fetch 0 uid 13 body[1]streamed4",
      "esearch 1:5,7",
      "vanished 1:4,9 earlier",
      "tagged A1 APPENDUID done",
  };
  for (const auto& line : some)
    EXPECT_NE(std::find(expected.begin(), expected.end(), line), expected.end()) << line;
}

TEST(ImapSession, GivesTheFieldsOfResponseCodes) {
  Session session(MailboxRole::Destination);
  ASSERT_TRUE(session.submit(ReadCommands::noop()));
  session.feed("A1 OK [APPENDUID 38505 3955:3957] done\r\n");
  auto event = session.poll();
  ASSERT_TRUE(event && event->has_value());
  const auto& code = std::get<Tagged>(**event).response.code;
  EXPECT_EQ(code.uid_validity->value, 38505U);
  EXPECT_EQ(code.first.count(), 3U);
  // An unreadable APPENDUID does not make a failure of the OK.
  ASSERT_TRUE(session.submit(ReadCommands::noop()));
  session.feed("A2 OK [COPYUID 1  ] done\r\n");
  event = session.poll();
  ASSERT_TRUE(event && event->has_value());
  EXPECT_FALSE(std::get<Tagged>(**event).response.code.uid_validity);
}

std::string error_of(std::string_view bytes) {
  Session session(MailboxRole::ReadOnly);
  (void)session.submit(ReadCommands::noop());
  const auto events = events_of(session, bytes, bytes.size());
  return events.empty() || !events.back().starts_with("error ") ? "" : events.back();
}

TEST(ImapSession, OverflowIsAProtocolErrorWithItsOffset) {
  EXPECT_NE(error_of("* 4294967296 EXISTS\r\n").find("offset 11"), std::string::npos);
  EXPECT_NE(error_of("* OK fine\r\n* OK [UIDNEXT 4294967296] x\r\n").find("offset"),
            std::string::npos);
  EXPECT_EQ(error_of("* OK [UIDNEXT 4294967295] x\r\n"), "");
  EXPECT_NE(error_of("* 1 FETCH (MODSEQ (9223372036854775808))\r\n"), "");
  EXPECT_EQ(error_of("* 1 FETCH (MODSEQ (9223372036854775807))\r\n"), "");
  EXPECT_NE(error_of("* 1 FETCH (BODY[] {99999999999999999999}\r\n"), "");
}

TEST(ImapSession, TellsAnAnswerAsItWasSpelt) {
  Session session(MailboxRole::Destination);
  session.feed("* LIST () \"/\" {5}\r\na \"b\\\r\n* 3 EXISTS\r\n");
  ASSERT_TRUE(session.poll());
  EXPECT_EQ(session.response_text(), "* LIST () \"/\" {5}\r\na \"b\\");
  ASSERT_TRUE(session.poll());
  EXPECT_EQ(session.response_text(), "* 3 EXISTS");
}

TEST(ImapSession, AdminCommandsAreOneLineAndNotTheConnections) {
  const auto made = AdminCommands::admin({"SETACL ", "user/a b", " ", "cyrus", " lrs"});
  ASSERT_TRUE(made) << made.error().message();
  Session session(MailboxRole::Destination);
  ASSERT_TRUE(session.submit(*made));
  EXPECT_EQ(session.take_output(), "A1 SETACL \"user/a b\" \"cyrus\" lrs\r\n");
  Session read_only(MailboxRole::ReadOnly);
  EXPECT_FALSE(read_only.submit(*made));
  for (const auto* text :
       {"", "LOGIN a b", "Append x", "STARTTLS", "NOOP\r\nX", "X {3}", "X \"y\""})
    EXPECT_FALSE(AdminCommands::admin({text})) << text;
  EXPECT_FALSE(AdminCommands::admin({"CREATE ", std::string("a\0b", 3)}));
}

TEST(ImapSession, RefusesRubbish) {
  for (const auto* bytes : {"rubbish\r\n", "* \r\n", "A9 OK x\r\n", "A1 WHAT x\r\n",
                            "* 1 FETCH (FLAGS\r\n", "* LIST (\"\r\n", "* 1 FETCH (UID 0)\r\n",
                            "* STATUS x (UIDNEXT 4294967296)\r\n", "HTTP/1.1 400 Bad Request\r\n"})
    EXPECT_NE(error_of(bytes), "") << bytes;
  EXPECT_NE(error_of("* OK a\0b\r\n"s), "");
}

TEST(ImapSession, LineAndLiteralLimitsHoldOnBothSides) {
  const std::string head = "* OK ";
  EXPECT_EQ(error_of(head + std::string(kMaxLine - head.size(), 'x') + "\r\n"), "");
  EXPECT_NE(error_of(head + std::string(kMaxLine - head.size() + 1, 'x') + "\r\n"), "");
  EXPECT_NE(error_of(std::string(kMaxLine + 1, 'x')), "") << "without a newline";
  const auto list = [](std::size_t n) {
    return "* LIST () \"/\" {" + std::to_string(n) + "}\r\n" + std::string(n, 'x') + "\r\n";
  };
  EXPECT_EQ(error_of(list(kMaxInlineLiteral)), "");
  EXPECT_NE(error_of(list(kMaxInlineLiteral + 1)), "");
  EXPECT_EQ(error_of("* 1 FETCH (BODY[] {4294967295}\r\n"), "");
  EXPECT_NE(error_of("* 1 FETCH (BODY[] {4294967296}\r\n"), "");
  const auto deep = [](int n) {
    return "* 1 FETCH (X " + std::string(static_cast<std::size_t>(n), '(') +
           std::string(static_cast<std::size_t>(n), ')') + ")\r\n";
  };
  EXPECT_EQ(error_of(deep(kMaxDepth + 1)), "");
  EXPECT_NE(error_of(deep(kMaxDepth + 2)), "");
  const auto many = [](std::size_t n) {
    std::string out = "* X";
    for (std::size_t i = 0; i < n; ++i) out += " {1}\r\nx";
    return out + "\r\n";
  };
  EXPECT_EQ(error_of(many(kMaxLiteralsPerResponse)), "");
  EXPECT_NE(error_of(many(kMaxLiteralsPerResponse + 1)), "");
}

TEST(ImapSession, StaysBrokenAfterAnError) {
  Session session(MailboxRole::ReadOnly);
  session.feed("rubbish\r\n* OK fine\r\n");
  EXPECT_FALSE(session.poll());
  EXPECT_FALSE(session.poll());
}

TEST(ImapSession, SynchronisingLiteralWaitsWithNothingBehindIt) {
  Session session(MailboxRole::Destination);
  std::vector<AppendMessage> messages(1);
  messages[0].size = 5;
  ASSERT_TRUE(session.submit(AppendCommands::append("box", messages, {"hello"})));
  ASSERT_TRUE(session.submit(ReadCommands::noop()));
  EXPECT_EQ(session.take_output(), "A1 APPEND \"box\" {5}\r\n");
  session.feed("+ go\r\n");
  ASSERT_TRUE(session.poll());
  EXPECT_EQ(session.take_output(), "hello\r\nA2 NOOP\r\n");
}

TEST(ImapSession, NoInPlaceOfPlusEndsTheCommand) {
  Session session(MailboxRole::Destination);
  std::vector<AppendMessage> messages(2);
  ASSERT_TRUE(session.submit(AppendCommands::append("box", messages, {"hello", "again"})));
  ASSERT_TRUE(session.submit(ReadCommands::noop()));
  (void)session.take_output();
  session.feed("A1 NO [TRYCREATE] no\r\n");
  ASSERT_TRUE(session.poll());
  EXPECT_EQ(session.take_output(), "A2 NOOP\r\n");
}

TEST(ImapSession, LiteralMinusIsDirectUpTo4096Octets) {
  for (const std::size_t size : {4096U, 4097U}) {
    Session session(MailboxRole::Destination);
    session.set_literal_mode(LiteralMode::minus);
    std::vector<AppendMessage> messages(1);
    ASSERT_TRUE(session.submit(AppendCommands::append("b", messages, {std::string(size, 'x')})));
    const auto out = session.take_output();
    if (size == 4096)
      EXPECT_EQ(out, "A1 APPEND \"b\" {4096+}\r\n" + std::string(size, 'x') + "\r\n");
    else
      EXPECT_EQ(out, "A1 APPEND \"b\" {4097}\r\n");
  }
}

TEST(ImapSession, StreamsALiteralAndRefusesAByteTooMany) {
  Session session(MailboxRole::Destination);
  session.set_literal_mode(LiteralMode::plus);
  AppendMessage message;
  message.size = 6;
  message.flags = {"\\Seen"};
  message.date = parse_internal_date("17-Jul-1996 02:44:25 -0700");
  ASSERT_TRUE(session.submit(AppendCommands::append_stream("b", message)));
  EXPECT_EQ(session.take_output(),
            "A1 APPEND \"b\" (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {6+}\r\n");
  EXPECT_EQ(session.literal_wanted(), 6U);
  ASSERT_TRUE(session.put_literal("abc"));
  EXPECT_FALSE(session.put_literal("defg"));
  ASSERT_TRUE(session.put_literal("def"));
  EXPECT_EQ(session.take_output(), "abcdef\r\n");
}

TEST(ImapSession, MultiAppendIsOneCommand) {
  Session session(MailboxRole::Destination);
  session.set_literal_mode(LiteralMode::plus);
  std::vector<AppendMessage> messages(2);
  messages[1].flags = {"x"};
  ASSERT_TRUE(session.submit(AppendCommands::append("b", messages, {"one", "two"})));
  EXPECT_EQ(session.take_output(), "A1 APPEND \"b\" {3+}\r\none (x) {3+}\r\ntwo\r\n");
}

// A batch waits in its command: what is made at once is bounded, and nothing of it is lost or
// moved.
TEST(ImapSession, ABatchIsMadeInPieces) {
  for (const auto mode : {LiteralMode::plus, LiteralMode::synchronizing}) {
    Session session(MailboxRole::Destination);
    session.set_literal_mode(mode);
    std::vector<std::string> bodies{std::string(3 * kOutputPiece + 1, 'a'), "",
                                    std::string(kOutputPiece, 'b'), "c"};
    const auto plus = mode == LiteralMode::plus;
    std::string expected = "A1 APPEND \"b\"";
    for (const auto& body : bodies)
      expected += " {" + std::to_string(body.size()) + (plus ? "+}\r\n" : "}\r\n") + body;
    expected += "\r\nA2 NOOP\r\n";
    std::vector<AppendMessage> messages(bodies.size());
    ASSERT_TRUE(session.submit(AppendCommands::append("b", messages, bodies)));
    ASSERT_TRUE(session.submit(ReadCommands::noop()));
    std::string out;
    std::size_t pieces = 0;
    for (int waits = 0; waits < 10; ++waits) {
      while (session.has_output()) {
        const auto piece = session.take_output();
        EXPECT_LE(piece.size(), kOutputPiece + 100);
        EXPECT_FALSE(session.output_was_secret());
        out += piece;
        ++pieces;
      }
      if (!out.ends_with("}\r\n")) break;
      session.feed("+ go\r\n");
      ASSERT_TRUE(session.poll());
    }
    EXPECT_TRUE(out == expected) << out.size() << " octets instead of " << expected.size();
    EXPECT_GE(pieces, 4U);
  }
}

TEST(ImapSession, RolesAreHeld) {
  Session reader(MailboxRole::ReadOnly);
  EXPECT_EQ(reader.submit(AppendCommands::select("x", false)).error().code, ErrorCode::denied);
  EXPECT_FALSE(reader.submit(AppendCommands::uid_store(UidSet(Uid(1)), "+FLAGS", {"x"})));
  EXPECT_TRUE(reader.submit(ReadCommands::examine("x", false)));
  Session rollback(MailboxRole::RollbackAppend);
  EXPECT_TRUE(rollback.submit(AppendCommands::create("x")));
  EXPECT_FALSE(rollback.submit(DestinationCommands::uid_expunge(UidSet(Uid(1)))));
  EXPECT_FALSE(rollback.submit(DestinationCommands::remove("x")));
  EXPECT_FALSE(rollback.submit(DestinationCommands::rename("x", "y")));
}

TEST(ImapSession, AuthenticateAnswersContinuationAndErrorChallenge) {
  Session session(MailboxRole::ReadOnly);
  ASSERT_TRUE(session.submit(ReadCommands::authenticate("XOAUTH2", "dG9r", false)));
  EXPECT_EQ(session.take_output(), "A1 AUTHENTICATE XOAUTH2\r\n");
  EXPECT_TRUE(session.output_was_secret());
  session.feed("+ \r\n");
  ASSERT_TRUE(session.poll());
  EXPECT_EQ(session.take_output(), "dG9r\r\n");
  session.feed("+ eyJzdGF0dXMiOiI0MDEifQ==\r\nA1 NO [AUTHENTICATIONFAILED] no\r\n");
  ASSERT_TRUE(session.poll());
  EXPECT_EQ(session.take_output(), "\r\n");
}

TEST(ImapSession, QuotesWhatCanBeQuotedAndSendsTheRestAsLiteral) {
  Session session(MailboxRole::ReadOnly);
  session.set_literal_mode(LiteralMode::plus);
  ASSERT_TRUE(session.submit(ReadCommands::login("a\"b\\c", "p\xC3\xA4ss")));
  EXPECT_EQ(session.take_output(), "A1 LOGIN \"a\\\"b\\\\c\" {5+}\r\np\xC3\xA4ss\r\n");
}

}  // namespace
}  // namespace mxferry::imap
