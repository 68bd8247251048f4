// SPDX-License-Identifier: Apache-2.0
// What real servers have answered (MXF_FIXTURES_DIR/imap/replies, recorded by the MailKit project),
// read at every chunk size. The recordings lost their CRs; they are put back, as `mxferry debug
// imap-parse` does.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/sha256.hpp"
#include "protocol/imap/response_reader.hpp"

namespace mxferry::imap {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> recordings() {
  std::map<std::string, std::string> out;
  const fs::path root = fs::path(MXF_FIXTURES_DIR) / "imap" / "replies";
  if (!fs::is_directory(root)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string crlf;
    for (char c = 0, before = 0; file.get(c); before = c) {
      if (c == '\n' && before != '\r') crlf += '\r';
      crlf += c;
    }
    out[fs::relative(entry.path(), root).string()] = std::move(crlf);
  }
  return out;
}

// What a reader made of the bytes: the kinds of the events, the responses as they were spelt, and
// one digest over all streamed literals.
struct Outcome {
  std::vector<std::size_t> kinds;
  std::vector<std::string> responses;
  std::string literals;
  std::string error;
  bool whole = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, std::size_t chunk) {
  Outcome out;
  ResponseReader reader;
  Sha256 digest;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    reader.feed(bytes.substr(at, chunk));
    while (true) {
      auto event = reader.poll();
      if (!event) {
        out.error = event.error().text;
        return out;
      }
      if (!event->has_value()) break;
      if (const auto* piece = std::get_if<LiteralChunk>(&**event)) {
        digest.update(piece->bytes);
        continue;
      }
      out.kinds.push_back((*event)->index());
      if ((*event)->index() < 3) out.responses.push_back(reader.response_text());
    }
  }
  out.literals = digest.finish();
  out.whole = !reader.in_response();
  return out;
}

TEST(RecordedReplies, AreReadAtEveryChunkSize) {
  const auto files = recordings();
  if (files.empty()) GTEST_SKIP() << "fixtures absent: " << MXF_FIXTURES_DIR << "/imap/replies";
  EXPECT_GT(files.size(), 300U);
  for (const auto& [name, bytes] : files) {
    const auto expected = read(bytes, bytes.size());
    ASSERT_EQ(expected.error, "") << name;
    ASSERT_TRUE(expected.whole) << name;
    ASSERT_FALSE(expected.responses.empty()) << name;
    // Every size where the file is short; else the smallest ones, then steps that grow. Those of
    // long messages begin at 13: the octets of a literal are all alike.
    const std::size_t each = bytes.size() < 400 ? bytes.size() : 16;
    for (std::size_t chunk = bytes.size() < 20'000 ? 1 : 13; chunk < bytes.size();
         chunk += 1 + (chunk < each ? 0 : chunk))
      ASSERT_EQ(read(bytes, chunk), expected) << name << " in pieces of " << chunk;
  }
}

TEST(RecordedReplies, EndInsideAResponseWhereverTheyAreCut) {
  const auto files = recordings();
  if (files.empty()) GTEST_SKIP() << "fixtures absent: " << MXF_FIXTURES_DIR << "/imap/replies";
  for (const auto& [name, bytes] : files) {
    const std::string_view head = std::string_view(bytes).substr(0, 200);
    for (std::size_t cut = 1; cut <= head.size(); ++cut) {
      const auto got = read(head.substr(0, cut), cut);
      ASSERT_EQ(got.error, "") << name << " cut at " << cut;
      // Only behind a line end can a response be whole; inside a literal it is not.
      if (head[cut - 1] != '\n') {
        ASSERT_FALSE(got.whole) << name << " cut at " << cut;
      }
    }
  }
}

Result<std::optional<Event>> last_of(ResponseReader& reader, std::string_view bytes) {
  reader.feed(bytes);
  Result<std::optional<Event>> last = std::optional<Event>();
  while (true) {
    auto event = reader.poll();
    if (!event) return event;
    if (!event->has_value()) return last;
    last = std::move(event);
  }
}

// Exchange: a response code without "* OK". It must not pass for rubbish, nor rubbish for it.
TEST(ServerQuirks, ACodeWithoutOkIsReadAsOne) {
  ResponseReader reader;
  const auto event = last_of(reader, "[COPYUID 55 31 6]\r\n");
  ASSERT_TRUE(event && event->has_value());
  const auto& code = std::get<StatusResponse>(std::get<Untagged>(**event)).code;
  EXPECT_EQ(code.name, "COPYUID");
  EXPECT_EQ(code.second.text(), "6");
  ResponseReader open;
  EXPECT_FALSE(last_of(open, "[COPYUID 55 31 6\r\n"));
}

// Domino: items in parentheses of their own.
TEST(ServerQuirks, ItemsInParenthesesOfTheirOwnAreRead) {
  ResponseReader reader;
  const auto event = last_of(
      reader, "* 2 FETCH (UID 7 (ENVELOPE (NIL NIL) FLAGS (\\Seen)) (BODY[] {3}\r\nabc))\r\n");
  ASSERT_TRUE(event && event->has_value()) << event.error().text;
  const auto& data = std::get<FetchData>(std::get<Untagged>(**event));
  EXPECT_EQ(data.uid->value, 7U);
  EXPECT_TRUE(data.flags->contains("\\Seen"));
  ASSERT_EQ(data.bodies.size(), 1U);
  EXPECT_TRUE(data.bodies[0].streamed);
  const std::string deep(70, '(');
  ResponseReader bomb;
  EXPECT_FALSE(last_of(bomb, "* 2 FETCH " + deep + "UID 7" + std::string(70, ')') + "\r\n"));
}

// Gmail: a blank line behind a header. Behind a body the same means that the literal's size is a
// lie.
TEST(ServerQuirks, ABlankLineMayFollowAHeaderAndNeverABody) {
  ResponseReader reader;
  const auto event = last_of(reader, "* 2 FETCH (BODY[HEADER] {3}\r\nabc \r\n UID 7)\r\n");
  ASSERT_TRUE(event && event->has_value()) << event.error().text;
  EXPECT_EQ(std::get<FetchData>(std::get<Untagged>(**event)).uid->value, 7U);
  for (const auto* section : {"", "TEXT", "1"}) {
    ResponseReader body;
    EXPECT_FALSE(
        last_of(body, "* 2 FETCH (BODY[" + std::string(section) + "] {3}\r\nabc \r\n UID 7)\r\n"))
        << section;
  }
  ResponseReader twice;
  EXPECT_FALSE(last_of(twice, "* 2 FETCH (BODY[HEADER] {3}\r\nabc\r\n\r\n UID 7)\r\n"));
}

// A flag that came as a string may hold what no flag has; what goes on to the destination is a flag.
TEST(ServerQuirks, FlagsThatCameAsStringsBecomeFlags) {
  ResponseReader reader;
  const auto event =
      last_of(reader, "* 2 FETCH (FLAGS (\"my tag\" {6}\r\na)\r\n b \"\\\\Seen\"))\r\n");
  ASSERT_TRUE(event && event->has_value()) << event.error().text;
  const auto& data = std::get<FetchData>(std::get<Untagged>(**event));
  EXPECT_EQ(data.flags->text(), "\\Seen a____b my_tag");
}

TEST(ResponseReader, SaysWhereItStoppedBehindLiterals) {
  ResponseReader reader;
  const std::string bytes = "* OK hi\r\n* LIST () \"/\" {4}\r\nname (\r\n";
  EXPECT_FALSE(last_of(reader, bytes));
  EXPECT_EQ(reader.error_offset(), bytes.size() - 2);  // where the list should have ended
  EXPECT_EQ(reader.response_offset(), 9U);
}

}  // namespace
}  // namespace mxferry::imap
