// SPDX-License-Identifier: Apache-2.0
// BODYSTRUCTURE as servers send it, through the session and in every piece.
#include "protocol/imap/body_structure.hpp"

#include <gtest/gtest.h>

#include "protocol/imap/limits.hpp"
#include "protocol/imap/session.hpp"

namespace mxferry::imap {
namespace {

// "* 1 FETCH (UID 7 BODYSTRUCTURE ...)" in pieces of `chunk` octets.
std::optional<BodyPart> structure(const std::string& text, std::size_t chunk = 4096) {
  Session session(MailboxRole::ReadOnly);
  const std::string line = "* 1 FETCH (UID 7 BODYSTRUCTURE " + text + ")\r\n";
  std::optional<BodyPart> out;
  for (std::size_t at = 0; at < line.size(); at += chunk) {
    session.feed(std::string_view(line).substr(at, chunk));
    for (;;) {
      auto event = session.poll();
      EXPECT_TRUE(event) << text;
      if (!event || !*event) break;
      if (auto* data = std::get_if<Untagged>(&**event))
        if (auto* fetch = std::get_if<FetchData>(data)) {
          EXPECT_EQ(fetch->uid, Uid(7));
          out = fetch->structure;
        }
    }
  }
  return out;
}

std::string describe(const BodyPart& part) {
  std::string out = part.type;
  if (!part.name.empty()) out += " \"" + part.name + "\"";
  if (!part.disposition.empty()) out += " " + part.disposition;
  if (part.octets > 0) out += " " + std::to_string(part.octets);
  for (const auto& inner : part.parts) out += " [" + describe(inner) + "]";
  return out;
}
std::string read(const std::string& text) {
  const auto part = structure(text);
  return part ? describe(*part) : "nothing";
}

TEST(BodyStructure, ATextAlone) {
  EXPECT_EQ(read(R"(("TEXT" "PLAIN" ("charset" "utf-8") NIL NIL "7bit" 42 3 NIL NIL NIL NIL))"),
            "text/plain 42");
  EXPECT_EQ(read(R"(("text" "plain" NIL NIL NIL "7BIT" 2279 48))"), "text/plain 2279");
}

const std::string kMixed =
    R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1 NIL NIL NIL NIL))"
    R"(("application" "pdf" ("name" "wrong.pdf") "<id>" "about" "base64" 2000 NIL ("attachment" ("filename" "bill.pdf")) NIL NIL))"
    R"(("image" "png" ("name" "logo.png") NIL NIL "base64" 300 NIL ("inline" NIL) NIL))"
    R"( "mixed" ("boundary" "x") NIL NIL NIL))";

TEST(BodyStructure, AMultipartWithAttachments) {
  EXPECT_EQ(read(kMixed),
            "multipart/mixed [text/plain 10] [application/pdf \"bill.pdf\" attachment 2000] "
            "[image/png \"logo.png\" inline 300]");
  const auto list = attachments(*structure(kMixed));
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "bill.pdf");
  EXPECT_EQ(list[1].octets, 300U);
}

TEST(BodyStructure, TheSameForEveryChunkSize) {
  for (std::size_t chunk = 1; chunk < 80; ++chunk) {
    const auto part = structure(kMixed, chunk);
    ASSERT_TRUE(part) << chunk;
    EXPECT_EQ(describe(*part), read(kMixed)) << chunk;
  }
}

TEST(BodyStructure, AnAttachedMessageIsOneAttachment) {
  const std::string inner = R"(("text" "plain" NIL NIL NIL "7bit" 5 1))";
  const std::string envelope = R"x(("date" "subject, (odd)" NIL NIL NIL NIL NIL NIL NIL NIL "<id>"))x";
  const auto part = structure(R"((("text" "plain" NIL NIL NIL "7bit" 1 1)("message" "rfc822" ("name" "fwd.eml") NIL NIL "7bit" 900 )" +
                              envelope + " " + inner + R"( 20 NIL ("attachment" NIL)) "mixed"))");
  ASSERT_TRUE(part);
  EXPECT_EQ(
      describe(*part),
      "multipart/mixed [text/plain 1] [message/rfc822 \"fwd.eml\" attachment 900 [text/plain 5]]");
  EXPECT_EQ(attachments(*part).size(), 1U);
}

TEST(BodyStructure, NamesInPiecesAndOtherCharacterSets) {
  EXPECT_EQ(
      read(
          R"(("a" "b" NIL NIL NIL "7bit" 1 NIL ("attachment" ("filename*" "utf-8''M%C3%BCller.txt"))))"),
      "a/b \"M\xc3\xbcller.txt\" attachment 1");
  EXPECT_EQ(
      read(
          R"(("a" "b" ("name*0*" "utf-8'en'%41" "name*1" "b%" "name*2*" "%43") NIL NIL "7bit" 1))"),
      "a/b \"Ab%C\" 1");
  EXPECT_EQ(
      read(
          R"(("a" "b" ("name*99999999999" "x" "names" "y" "name*0*" "no quote") NIL NIL "7bit" 1))"),
      "a/b \"no quote\" 1");
}

TEST(BodyStructure, ALiteralAsAName) {
  EXPECT_EQ(read("(\"a\" \"b\" (\"name\" {8}\r\nx\"y\\\x01 .z) NIL NIL \"7bit\" 1)"),
            "a/b \"x\"y\\\x01 .z\" 1");
}

TEST(BodyStructure, WhatServersBendIsNoNameAndNoSize) {
  EXPECT_EQ(read("NIL"), "nothing");
  EXPECT_EQ(read("()"), "nothing");
  EXPECT_EQ(read("\"text\""), "nothing");
  EXPECT_EQ(read(R"(("text"))"), "text/");
  EXPECT_EQ(read(R"(("text" "plain" "params" NIL NIL NIL -1 x "md5" "attachment"))"), "text/plain");
  EXPECT_EQ(read(R"(("a" "b" ("name") NIL NIL "7bit" 99999999999999999999 NIL ()))"), "a/b");
  EXPECT_EQ(read(R"((NIL "mixed"))"), "/mixed");
  EXPECT_EQ(read(R"((("text" "plain" NIL NIL NIL NIL 1 1)))"), "multipart/ [text/plain 1]");
}

TEST(BodyStructure, IsBoundedInDepth) {
  const auto nested = [](int n) {
    return std::string(static_cast<std::size_t>(n), '(') + "\"a\" \"b\"" +
           std::string(static_cast<std::size_t>(n), ')');
  };
  EXPECT_TRUE(structure(nested(kMaxDepth)));
  Session session(MailboxRole::ReadOnly);
  session.feed("* 1 FETCH (BODYSTRUCTURE " + nested(kMaxDepth + 2) + ")\r\n");
  EXPECT_FALSE(session.poll());
}

}  // namespace
}  // namespace mxferry::imap
