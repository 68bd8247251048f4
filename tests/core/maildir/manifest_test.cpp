// SPDX-License-Identifier: Apache-2.0
#include "maildir/manifest.hpp"

#include <gtest/gtest.h>

namespace mxferry::maildir {
namespace {

ManifestEntry entry(std::uint32_t uid, imap::Flags flags = {}) {
  ManifestEntry out;
  out.uid = Uid(uid);
  out.size = 10 * uid;
  out.sha256 = std::string(64, 'a');
  out.date = imap::parse_internal_date("17-Jul-1996 02:44:25 -0700");
  out.flags = std::move(flags);
  return out;
}

std::string filled() {
  Manifest manifest{UidValidity(7)};
  std::string text = manifest.first_line();
  text += manifest.add(entry(1, {"\\Seen", "weird\xff\"key"}));
  text += manifest.add(entry(2));
  text += manifest.set_flags(Uid(2), {"\\Flagged"});
  text += manifest.add(entry(3));
  text += manifest.remove(Uid(3));
  return text;
}

TEST(Manifest, ReadsWhatItWrote) {
  const auto read = Manifest::parse(filled(), "m");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->validity(), UidValidity(7));
  ASSERT_EQ(read->entries().size(), 2U);
  const auto& first = read->entries().at(1);
  EXPECT_EQ(first.flags, (imap::Flags{"\\Seen", "weird\xff\"key"}));
  EXPECT_EQ(imap::format_internal_date(*first.date), "17-Jul-1996 02:44:25 -0700");
  EXPECT_EQ(read->entries().at(2).flags, imap::Flags{"\\Flagged"});
  EXPECT_GT(read->entries().at(2).changed, first.changed);
  EXPECT_EQ(read->next_uid(), Uid(4)) << "a removed UID is not given again";
}

// Wherever a write was cut off: what came before it is read, and the rest is known to be torn.
TEST(Manifest, TornAnywhereKeepsWhatWasWhole) {
  const std::string text = filled();
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    const auto read = Manifest::parse(std::string_view(text).substr(0, cut), "m");
    ASSERT_TRUE(read) << cut << read.error().message();
    const auto whole = cut == 0 ? 0 : text.rfind('\n', cut - 1) + 1;
    EXPECT_EQ(read->whole_octets(), whole) << cut;
  }
}

// A power cut may keep a sector of the last write from the disk and not the next one: it reads as
// zeros.
TEST(Manifest, EndsBeforeASectorThatNeverCame) {
  std::string text = filled();
  const auto whole = text.size();
  std::string batch;
  Manifest manifest = *Manifest::parse(text, "m");
  for (std::uint32_t uid = 4; uid < 14; ++uid) batch += manifest.add(entry(uid));
  text += batch;
  ASSERT_GT(batch.size(), 1024U);
  text.replace(whole + 100, 512, 512, '\0');
  const auto read = Manifest::parse(text, "m");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->whole_octets(), whole);
  EXPECT_EQ(read->next_uid(), Uid(4));
}

TEST(Manifest, WhatDoesNotReadIsNamedWithItsLine) {
  const std::string head = Manifest(UidValidity(7)).first_line();
  for (const std::string line :
       {"rubbish", "{}", "[]", R"({"uid":0,"flags":[]})", R"({"uid":4294967296,"flags":[]})",
        R"({"uid":5,"flags":[]})", R"({"uid":5,"removed":true})",
        R"({"uid":1,"sha256":"short","size":1,"flags":[]})"}) {
    const auto read = Manifest::parse(head + line + "\n", "m");
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().code, ErrorCode::store);
    EXPECT_NE(read.error().message().find("m:2"), std::string::npos) << read.error().message();
  }
  const auto newer = Manifest::parse("{\"mxferry-manifest\":2,\"uidvalidity\":1}\n", "m");
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message().find("format 2"), std::string::npos);
}

TEST(FolderIndex, KeepsNamesOfAnyBytes) {
  FolderIndex index;
  std::string text = FolderIndex::first_line();
  std::string every;
  for (int c = 1; c < 256; ++c) every += static_cast<char>(c);
  text += index.put({every, ".x", SpecialUse::sent, true});
  text += index.put({"Work", ".Work", SpecialUse::none, false});
  const auto read = FolderIndex::parse(text, "i");
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_TRUE(read->folders().contains(every));
  EXPECT_EQ(read->folders().at(every).use, SpecialUse::sent);
  EXPECT_TRUE(read->folders().at(every).subscribed);
  EXPECT_EQ(read->folders().size(), 2U);
}

TEST(BackupFiles, CarryUidAndFlags) {
  const auto name = file_name(entry(42, {"\\Seen", "\\Answered", "custom"}));
  EXPECT_EQ(name, "837596665.U42.mxferry,S=420:2,RS");
  EXPECT_EQ(uid_of_file(name), Uid(42));
  EXPECT_EQ(flags_of_name(name), (imap::Flags{"\\Seen", "\\Answered"}));
  for (const char* other : {"1.M2P3.host,S=4:2,S", "1.U.mxferry,", "1.U0.mxferry,", ".mxferry,.U1",
                            "1.U4294967295.mxferry,", "1.U99999999999.mxferry,", ""})
    EXPECT_FALSE(uid_of_file(other)) << other;
}

}  // namespace
}  // namespace mxferry::maildir
