// SPDX-License-Identifier: Apache-2.0
// Whatever bytes an argument holds: a server reads exactly one command with that argument, or
// nothing is sent. The reader is a second one, written from RFC 9051 §9 alone.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <random>

#include "protocol/imap/session.hpp"
#include "protocol/sasl/sasl.hpp"
#include "support/one_command.hpp"

namespace mxferry::imap {
namespace {

using namespace std::string_literals;
using test::OneCommand;
using test::Word;

Word atom(std::string bytes) { return {Word::atom, std::move(bytes)}; }
Word text(std::string bytes) { return {Word::string, std::move(bytes)}; }
const Word kOpen{Word::open, ""};
const Word kClose{Word::close, ""};

// Values that hold every byte: alone, at the ends, in the middle, twice, and what would end a line,
// a string or a literal.
std::vector<std::string> values() {
  std::vector<std::string> out;
  for (int b = 0; b < 256; ++b) {
    const std::string c(1, static_cast<char>(b));
    for (const auto& value : {c, c + "x", "x" + c, "x" + c + "y", c + c, "\\" + c, c + "\""})
      out.push_back(value);
  }
  for (const auto* value :
       {"", "x\r\nA9 LOGOUT\r\n", "\r\n", "x {3}", "x {3+}\r\nabc", "\" \"y", "\\", "\\\"", "a) (b",
        "A9 OK", "&AOQ-", "\xC3\xA4", "NIL", "INBOX", "*", "%", "(x)", "~{3}", "(\\Deleted)"})
    out.emplace_back(value);
  for (const std::size_t size : {255U, 256U, 257U, 1000U, 5000U}) out.emplace_back(size, 'q');
  std::mt19937 random(20261124);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_int_distribution<std::size_t> length(1, 40);
  for (int i = 0; i < 3000; ++i) {
    std::string value(length(random), '\0');
    for (auto& c : value) c = static_cast<char>(byte(random));
    out.push_back(value);
  }
  return out;
}

// What a session would send for the command, or nothing where it refuses.
std::optional<std::string> wire_of(const Command& command) {
  Session session(MailboxRole::Destination);
  session.set_literal_mode(LiteralMode::plus);
  auto tag = session.submit(command);
  if (!tag) {
    EXPECT_EQ(tag.error().code, ErrorCode::refused);
    EXPECT_FALSE(session.has_output());
    EXPECT_EQ(session.pending(), 0U);
    return std::nullopt;
  }
  return session.take_output();
}

void holds(const Command& command, const std::vector<Word>& expected, bool may_be_refused,
           const std::string& value) {
  const auto wire = wire_of(command);
  if (!wire) {
    EXPECT_TRUE(may_be_refused) << command.name << ": " << ::testing::PrintToString(value);
    return;
  }
  const auto read = OneCommand(*wire).read();
  ASSERT_TRUE(read) << command.name << ": " << ::testing::PrintToString(*wire);
  ASSERT_EQ(*read == expected, true) << command.name << ": " << ::testing::PrintToString(*wire);
}

bool has_nul(const std::string& value) { return value.find('\0') != std::string::npos; }

TEST(CommandEncoding, AnyFolderNameIsReadAsItselfOrNothingIsSent) {
  for (const auto& v : values()) {
    const bool nul = has_nul(v);
    using D = DestinationCommands;
    holds(D::list(v, v), {atom("LIST"), text(v), text(v)}, nul, v);
    holds(D::list_return(v, "SUBSCRIBED STATUS (MESSAGES)"),
          {atom("LIST"), text(""), text(v), atom("RETURN"), kOpen, atom("SUBSCRIBED"),
           atom("STATUS"), kOpen, atom("MESSAGES"), kClose, kClose},
          nul, v);
    holds(D::lsub(v), {atom("LSUB"), text(""), text(v)}, nul, v);
    holds(D::status(v, "MESSAGES UIDNEXT"),
          {atom("STATUS"), text(v), kOpen, atom("MESSAGES"), atom("UIDNEXT"), kClose}, nul, v);
    holds(D::examine(v, true), {atom("EXAMINE"), text(v), kOpen, atom("CONDSTORE"), kClose}, nul,
          v);
    holds(D::select(v, false), {atom("SELECT"), text(v)}, nul, v);
    holds(D::create(v), {atom("CREATE"), text(v)}, nul, v);
    holds(D::create_use(v, "\\Sent"),
          {atom("CREATE"), text(v), kOpen, atom("USE"), kOpen, atom("\\Sent"), kClose, kClose}, nul,
          v);
    holds(D::subscribe(v), {atom("SUBSCRIBE"), text(v)}, nul, v);
    holds(D::quota_root(v), {atom("GETQUOTAROOT"), text(v)}, nul, v);
    holds(D::remove(v), {atom("DELETE"), text(v)}, nul, v);
    holds(D::rename(v, "b"), {atom("RENAME"), text(v), text("b")}, nul, v);
    holds(D::rename("a", v), {atom("RENAME"), text("a"), text(v)}, nul, v);
    AppendMessage message;
    message.size = 3;
    holds(D::append(v, {message}, {"abc"}), {atom("APPEND"), text(v), text("abc")}, nul, v);
  }
}

TEST(CommandEncoding, AnyKeywordIsAnAtomOrNothingIsSent) {
  std::size_t sent = 0;
  for (const auto& v : values()) {
    Flags flags{v, "\\Seen"};
    const bool is_recent_or_empty = flags.names().size() == 1;
    AppendMessage message;
    message.size = 2;
    message.flags = flags;
    std::vector<Word> append = {atom("APPEND"), text("b"), kOpen};
    std::vector<Word> store = {atom("UID"), atom("STORE"), atom("4:5"), atom("+FLAGS.SILENT"),
                               kOpen};
    for (const auto& name : flags.names()) {
      append.push_back(atom(name));
      store.push_back(atom(name));
    }
    append.insert(append.end(), {kClose, text("hi")});
    store.push_back(kClose);
    const bool valid = is_recent_or_empty || is_flag(v);
    sent += valid && !is_recent_or_empty ? 1U : 0U;
    holds(AppendCommands::append("b", {message}, {"hi"}), append, !valid, v);
    UidSet uids;
    uids.add(Uid(4), Uid(5));
    holds(AppendCommands::uid_store(uids, "+FLAGS.SILENT", flags), store, !valid, v);
    // What the destination keeps can be sent, and what a source spelt as a string can be kept.
    EXPECT_EQ(PermanentFlags().keeps(v), is_flag(v));
    EXPECT_EQ(PermanentFlags({"\\*", v}).keeps(v), is_flag(v));
    if (!v.empty() && v != "\\") {
      EXPECT_TRUE(is_flag(as_flag(v))) << as_flag(v);
    }
  }
  EXPECT_GT(sent, 400U);
}

std::string decoded(std::string_view base64) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : base64) {
    if (c == '=') break;
    const auto value = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"s.find(c);
    if (value == std::string::npos) return "not base64";
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>((bits >> have) & 0xFF);
  }
  return out;
}

TEST(CommandEncoding, AnyUserAndSecretAreReadAsThemselvesOrNothingIsSent) {
  for (const auto& v : values()) {
    holds(ReadCommands::login(v, v), {atom("LOGIN"), text(v), text(v)}, has_nul(v), v);
    const auto sasl = sasl::plain("", v, v);
    EXPECT_EQ(decoded(sasl), "\0"s + v + "\0"s + v);
    holds(ReadCommands::authenticate("PLAIN", sasl, true),
          {atom("AUTHENTICATE"), atom("PLAIN"), atom(sasl)}, false, v);
    // The answer to a `+` is a line of its own.
    Session session(MailboxRole::ReadOnly);
    ASSERT_TRUE(session.submit(ReadCommands::authenticate("PLAIN", sasl, false)));
    (void)session.take_output();
    session.feed("+ \r\n");
    ASSERT_TRUE(session.poll());
    EXPECT_EQ(session.take_output(), sasl + "\r\n");
  }
  EXPECT_FALSE(wire_of(ReadCommands::authenticate("PLAIN", "a\r\nA9 LOGOUT", false)));
  EXPECT_FALSE(wire_of(ReadCommands::authenticate("PLAIN\r\nA9 X", "a", true)));
  EXPECT_FALSE(wire_of(ReadCommands::authenticate_login("a\n", "b")));
}

TEST(CommandEncoding, ADateIsReadAsItselfOrNothingIsSent) {
  using namespace std::chrono;
  std::mt19937_64 random(7);
  std::uniform_int_distribution<long long> any(-80'000'000'000LL, 300'000'000'000LL);
  std::uniform_int_distribution<int> zone(-7000, 7000);
  std::vector<InternalDate> dates;
  for (const long long edge : {-62167219200LL, -62167219201LL, 253402300799LL, 253402300800LL, 0LL,
                               -1LL, 9223372036854775807LL, -9223372036854775807LL - 1})
    dates.push_back({sys_seconds(seconds(edge)), minutes(0)});
  for (int i = 0; i < 3000; ++i)
    dates.push_back({sys_seconds(seconds(any(random))), minutes(zone(random))});
  std::size_t sent = 0;
  for (const auto& date : dates) {
    AppendMessage message;
    message.size = 2;
    message.date = date;
    const auto wire = wire_of(AppendCommands::append("b", {message}, {"hi"}));
    EXPECT_EQ(wire.has_value(), is_sayable(date));
    if (!wire) continue;
    ++sent;
    const auto read = OneCommand(*wire).read();
    ASSERT_TRUE(read && read->size() == 4) << *wire;
    // date-time: a day of two places, a month, four digits of year, a time, a zone of four digits.
    const auto& spelt = (*read)[2].bytes;
    ASSERT_EQ(spelt.size(), 26U) << spelt;
    const auto back = parse_internal_date(spelt);
    ASSERT_TRUE(back) << spelt;
    EXPECT_EQ(back->instant, date.instant);
    EXPECT_EQ(back->zone, date.zone);
  }
  EXPECT_GT(sent, 1500U);
}

TEST(CommandEncoding, WordsOfOurOwnCannotEndTheLine) {
  for (int b = 0; b < 256; ++b) {
    const std::string v = "x" + std::string(1, static_cast<char>(b)) + "y";
    const bool plain = b >= 0x20 && b < 0x7F;
    for (const auto& command :
         {ReadCommands::enable(v), ReadCommands::uid_fetch(v, "UID"),
          ReadCommands::uid_fetch("1", v), ReadCommands::uid_fetch("1", "UID", v),
          ReadCommands::uid_search(v, true), ReadCommands::status("b", v),
          ReadCommands::list_return("b", v), ReadCommands::authenticate(v, "", true),
          Command(AppendCommands::create_use("b", v)),
          Command(AppendCommands::uid_store(UidSet(Uid(1)), v, {"x"}))}) {
      const auto wire = wire_of(command);
      EXPECT_EQ(wire.has_value(), plain) << command.name << " " << b;
      if (wire) {
        EXPECT_EQ(wire->find_first_of("\r\n"), wire->size() - 2) << command.name;
      }
    }
  }
  EXPECT_FALSE(wire_of(DestinationCommands::uid_expunge(UidSet())));
  EXPECT_FALSE(wire_of(AppendCommands::uid_store(UidSet(), "+FLAGS", {"x"})));
}

TEST(CommandEncoding, AnAdminCommandsStringsAreReadAsThemselvesOrNothingIsSent) {
  for (const auto& v : values()) {
    const auto command = AdminCommands::admin({"SETACL ", v, " ", v, " lrs"});
    EXPECT_EQ(command.has_value(), !has_nul(v));
    if (command) holds(*command, {atom("SETACL"), text(v), text(v), atom("lrs")}, false, v);
  }
}

// A refused command takes nothing with it: those before and behind it go their way.
TEST(CommandEncoding, ARefusedCommandLeavesTheSessionAsItWas) {
  Session session(MailboxRole::Destination);
  session.set_literal_mode(LiteralMode::plus);
  ASSERT_TRUE(session.submit(ReadCommands::noop()));
  EXPECT_FALSE(session.submit(AppendCommands::create("a\0b"s)));
  ASSERT_TRUE(session.submit(AppendCommands::create("b")));
  EXPECT_EQ(session.take_output(), "A1 NOOP\r\nA2 CREATE \"b\"\r\n");
}

}  // namespace
}  // namespace mxferry::imap
