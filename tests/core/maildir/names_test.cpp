// SPDX-License-Identifier: Apache-2.0
#include "maildir/names.hpp"

#include <gtest/gtest.h>

#include <random>

namespace mxferry::maildir {
namespace {

using Path = std::vector<std::string>;

TEST(MaildirNames, HarmlessOnesAreMaildirPlusPlus) {
  EXPECT_EQ(directory_for({"Sent"}), ".Sent");
  EXPECT_EQ(directory_for({"Archive", "2024"}), ".Archive.2024");
  EXPECT_EQ(directory_for({"Entwürfe"}), ".Entw&APw-rfe");
  EXPECT_EQ(directory_for({"Sent Items"}), ".Sent Items");
}

TEST(MaildirNames, HostileOnesAreOneHarmlessName) {
  const std::vector<Path> hostile = {
      {".."},       {"/x"},  {"a/../../b"},    {"cur"}, {"a\x1b[31mb"}, {std::string("a\0b", 3)},
      {"a.b"},      {""},    {" a "},          {"%2E"}, {"\xff\xfe"},   {std::string(300, 'x')},
      {"..", ".."}, {"-rf"}, {"a:b*c?\"<>|\\"}};
  for (const auto& path : hostile) {
    const auto name = directory_for(path);
    EXPECT_LE(name.size(), 200U) << name;
    EXPECT_EQ(name.find('/'), std::string::npos) << name;
    EXPECT_EQ(name.front(), '.');
    EXPECT_NE(name, "..");
    EXPECT_NE(name, ".");
    for (const char c : name) EXPECT_TRUE(c >= 0x20 && c < 0x7F) << name;
  }
}

TEST(MaildirNames, TwoNamesNeverMeet) {
  std::mt19937 random(20261124);
  const std::string alphabet = "aAb./%~-& \xc3\xa4\xff";
  std::map<std::string, Path> seen;
  for (int i = 0; i < 20'000; ++i) {
    Path path(1 + random() % 3);
    for (auto& part : path) {
      const auto n = random() % (i % 50 == 0 ? 300 : 4);
      for (std::size_t k = 0; k < n; ++k) part += alphabet[random() % alphabet.size()];
    }
    const auto [it, fresh] = seen.emplace(directory_for(path), path);
    EXPECT_TRUE(fresh || it->second == path) << it->first;
  }
}

TEST(MaildirNames, CaseTwinsGetNamesOfTheirOwn) {
  std::set<std::string> taken = {fold_case(directory_for({"work"}))};
  const auto twin = free_directory_for({"Work"}, taken);
  EXPECT_NE(fold_case(twin), fold_case(directory_for({"work"})));
  taken.insert(fold_case(twin));
  EXPECT_FALSE(taken.contains(fold_case(free_directory_for({"WORK"}, taken))));
}

}  // namespace
}  // namespace mxferry::maildir
