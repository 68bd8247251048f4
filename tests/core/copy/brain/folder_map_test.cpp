// SPDX-License-Identifier: Apache-2.0
#include "copy/brain/folder_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
namespace {

FolderInfo folder(const std::string& path, char delimiter = '/',
                  SpecialUse use = SpecialUse::none) {
  FolderInfo out;
  out.wire = path;
  out.delimiter = delimiter;
  for (const auto& part : imap::split_path(path, delimiter))
    out.path.push_back(imap::display_name(part));
  out.use = imap::is_inbox(path) ? SpecialUse::inbox : use;
  return out;
}

std::string mapped(const std::vector<FolderInfo>& source, const std::vector<FolderInfo>& target,
                   const NamespaceInfo& ns, std::size_t which) {
  for (const auto& m : map_folders(source, target, ns, {}))
    if (m.source == which) return m.wire;
  return "(none)";
}

TEST(FolderMap, RespellsForDelimiterAndNamespace) {
  const NamespaceInfo dots{"INBOX.", '.'};
  const std::vector<FolderInfo> source = {folder("INBOX"), folder("Work/a.b"), folder("INBOX/Sub"),
                                          folder("Entw&APw-rfe")};
  EXPECT_EQ(mapped(source, {}, dots, 0), "INBOX");
  EXPECT_EQ(mapped(source, {}, dots, 1), "INBOX.Work.a_b");
  EXPECT_EQ(mapped(source, {}, dots, 2), "INBOX.Sub");
  EXPECT_EQ(mapped(source, {}, dots, 3), "INBOX.Entw&APw-rfe");
  const NamespaceInfo slash{"", '/'};
  EXPECT_EQ(mapped({folder("a|b", '|')}, {}, slash, 0), "a/b");
  EXPECT_EQ(mapped({folder("a*b%c")}, {}, slash, 0), "a*b%c");
  EXPECT_EQ(respelled("a*b%c", Spelling::without_wildcards, '/'), "a_b_c");
}

TEST(FolderMap, SpecialFoldersGoByTheirUseAndTakeTheirChildrenAlong) {
  const NamespaceInfo slash{"", '/'};
  const std::vector<FolderInfo> source = {folder("Gesendet", '/', SpecialUse::sent),
                                          folder("Gesendet/2019")};
  const std::vector<FolderInfo> target = {folder("INBOX"),
                                          folder("Sent Items", '/', SpecialUse::sent)};
  EXPECT_EQ(mapped(source, target, slash, 0), "Sent Items");
  EXPECT_EQ(mapped(source, target, slash, 1), "Sent Items/2019");
  EXPECT_EQ(mapped(source, {}, slash, 1), "Gesendet/2019");
}

TEST(FolderMap, ViewsAndFoldersWithoutMessagesAreNotCopied) {
  std::vector<FolderInfo> source = {
      folder("Starred", '/', SpecialUse::flagged), folder("Important", '/', SpecialUse::important),
      folder("Parent"), folder("All", '/', SpecialUse::all), folder("More", '/', SpecialUse::all)};
  source[2].selectable = false;
  const auto mappings = map_folders(source, {}, {}, {});
  for (const std::size_t i : {0U, 1U, 2U, 4U}) {
    EXPECT_TRUE(mappings[i].wire.empty()) << i;
    EXPECT_FALSE(mappings[i].skipped.empty()) << i;
  }
}

TEST(FolderMap, WhatLiesInAllAloneGoesToTheArchive) {
  const NamespaceInfo ns{"", '/'};
  const auto all = folder("All", '/', SpecialUse::all);
  const auto place = [&](const std::vector<FolderInfo>& source,
                         const std::vector<FolderInfo>& target) {
    const auto mappings = map_folders(source, target, ns, {});
    const auto it = std::find_if(mappings.begin(), mappings.end(),
                                 [](const FolderMapping& m) { return m.leftovers; });
    EXPECT_NE(it, mappings.end());
    return it->wire + (it->create ? " (new)" : "");
  };
  EXPECT_EQ(place({all}, {}), "Archive (new)");
  EXPECT_EQ(place({all}, {folder("Archiv", '/', SpecialUse::archive)}), "Archiv");
  const auto kept = folder("Kept", '/', SpecialUse::archive);
  EXPECT_EQ(place({all, kept}, {}), "Kept (new)") << "with the source's own archive";
  EXPECT_EQ(place({all, kept}, {folder("Archiv", '/', SpecialUse::archive)}), "Archiv");
}

TEST(FolderMap, TwoNamesThatBecomeOneStayTwo) {
  const NamespaceInfo dots{"", '.'};
  const auto mappings = map_folders({folder("a.b"), folder("a_b")}, {}, dots, {});
  EXPECT_NE(mappings[0].wire, mappings[1].wire);
}

TEST(FolderMap, AnEarlierMappingNeverChanges) {
  const NamespaceInfo slash{"", '/'};
  const auto mappings =
      map_folders({folder("Sent", '/', SpecialUse::sent)}, {folder("New", '/', SpecialUse::sent)},
                  slash, {{"Sent", "Old Sent"}});
  EXPECT_EQ(mappings[0].wire, "Old Sent");
  EXPECT_TRUE(mappings[0].create);
}

TEST(FolderMap, InboxComesFirst) {
  const auto mappings = map_folders({folder("a"), folder("inbox")}, {}, {}, {});
  EXPECT_EQ(mappings[0].wire, "INBOX");
}

TEST(FolderMap, SaysWhichFoldersWillBeCalledOtherwise) {
  const std::vector<FolderInfo> source = {folder("INBOX"), folder("Work/a.b"), folder("Plain"),
                                          folder("Gesendet", '/', SpecialUse::sent),
                                          folder("Alles", '/', SpecialUse::all)};
  const std::vector<FolderInfo> target = {folder("INBOX"), folder("Sent", '.', SpecialUse::sent)};
  const std::vector<RenamedFolder> want = {{"Work/a.b", "Work/a_b"}, {"Gesendet", "Sent"}};
  EXPECT_EQ(renamed_folders(source, target, NamespaceInfo{"INBOX.", '.'}), want);
  EXPECT_TRUE(
      renamed_folders({folder("INBOX"), folder("Work/Q1")}, {}, NamespaceInfo{"", '.'}).empty())
      << "another delimiter alone is no other name";
}

TEST(FolderMap, ARuleIsSpelledForTheDestinationAndAFolderThatIsThereIsFound) {
  const NamespaceInfo dots{"INBOX.", '.'};
  const std::vector<FolderInfo> source = {folder("Work/a"), folder("Work/b.c"), folder("Old")};
  std::vector<FolderInfo> target = {folder("INBOX"), folder("INBOX.There", '.')};
  target[1].path = {"There"};
  auto rules =
      MapRules::parse("glob \"Work/*\" -> \"Entw\u00fcrfe/\\1\"\nexact Old -> There\n", "m");
  ASSERT_TRUE(rules) << rules.error().message();
  const auto out = map_folders(source, target, dots, {}, *rules);
  EXPECT_EQ(out[0].wire, "INBOX.Entw&APw-rfe.a");
  EXPECT_EQ(out[1].wire, "INBOX.Entw&APw-rfe.b_c");
  EXPECT_EQ(out[2].wire, "INBOX.There");
  EXPECT_FALSE(out[2].create);
  for (const auto& mapping : out) EXPECT_EQ(mapping.problem, "");
}

TEST(FolderMap, RespellingMayMakeTwoOfARulesFoldersOne) {
  const NamespaceInfo dots{"", '.'};
  const std::vector<FolderInfo> source = {folder("a/b.c"), folder("a/b_c")};
  auto rules = MapRules::parse("glob \"a/*\" -> \"x/\\1\"", "m");
  ASSERT_TRUE(rules);
  for (const auto& mapping : map_folders(source, {}, dots, {}, *rules))
    EXPECT_NE(mapping.problem.find("merge"), std::string::npos);
}

TEST(FolderMap, ARefusedNameIsRespelledStepByStepAndKeepsItsLevels) {
  const std::string wire = "INBOX.a\"b%.R&-D.&2D3eQg- [1];Entw&APw-rfe. x ";
  EXPECT_EQ(respelled(wire, Spelling::without_wildcards, '.'),
            "INBOX.a\"b_.R&-D.&2D3eQg- [1];Entw&APw-rfe. x ");
  EXPECT_EQ(respelled(wire, Spelling::plain, '.'), "INBOX.a_b_.R&-D.&2D3eQg- _1__Entw&APw-rfe._x_");
  EXPECT_EQ(respelled(wire, Spelling::plain_bmp, '.'), "INBOX.a_b_.R&-D._ _1__Entw&APw-rfe._x_");
  EXPECT_EQ(respelled("sl/ash", Spelling::plain, '.'), "sl_ash");
  EXPECT_EQ(respelled("a&b;c", Spelling::plain, std::nullopt), "a&b_c");
}

}  // namespace
}  // namespace mxferry::copy
