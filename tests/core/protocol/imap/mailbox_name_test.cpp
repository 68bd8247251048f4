// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/mailbox_name.hpp"

#include <gtest/gtest.h>

namespace mxferry::imap {
namespace {

TEST(MailboxName, DecodesTheExamplesOfTheRfc) {
  EXPECT_EQ(decode_mutf7("~peter/mail/&U,BTFw-/&ZeVnLIqe-").value(), "~peter/mail/台北/日本語");
  EXPECT_EQ(decode_mutf7("Entw&APw-rfe").value(), "Entwürfe");
  EXPECT_EQ(decode_mutf7("R&-D").value(), "R&D");
  EXPECT_EQ(decode_mutf7("&2D3eAA-").value(), "\xF0\x9F\x98\x80");
}

TEST(MailboxName, RoundTripsUtf8) {
  for (const std::string name : {"Entwürfe", "R&D", "Отправленные", "日本語", "a&b&&c", "😀/😀",
                                 "x\ty", "", "mixed ü and & and 漢"})
    EXPECT_EQ(decode_mutf7(encode_mutf7(name)).value(), name);
}

TEST(MailboxName, RefusesWhatIsNotWellFormed) {
  for (const auto* wire : {"&", "&A", "&AA", "&A-", "&AAB-", "&!!!-", "&2D0-", "&3gA-", "\xC3\xBC"})
    EXPECT_FALSE(decode_mutf7(wire)) << wire;
  EXPECT_EQ(display_name("a&b"), "a&b");
}

TEST(MailboxName, SpellsEveryByte) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  const auto wire = encode_mutf7(all);
  for (const char c : wire) EXPECT_TRUE(c >= 0x20 && c <= 0x7E);
  EXPECT_TRUE(decode_mutf7(wire));
}

TEST(MailboxName, SplitsAtAnyDelimiter) {
  EXPECT_EQ(split_path("a.b.c", '.'), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(split_path("a|b", '|'), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(split_path("a/b", std::nullopt), (std::vector<std::string>{"a/b"}));
}

TEST(MailboxName, KnowsInboxInAnyCase) {
  EXPECT_TRUE(is_inbox("inBox"));
  EXPECT_FALSE(is_inbox("INBOX2"));
  EXPECT_FALSE(is_inbox("Inbax"));
}

}  // namespace
}  // namespace mxferry::imap
