// SPDX-License-Identifier: Apache-2.0
#include "app/dns_journal.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "support/temp_dir.hpp"

namespace mxferry::app {
namespace {

std::string text_of(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::vector<ZoneChange> changes() {
  ZoneChange change;
  change.after = ZoneRRset{"a.test.", "MX", 40, {}, {{"10 mx.a.test."}}};
  return {change};
}

TEST(DnsJournal, AnIntentWithoutItsResultIsOpenWithWhatTheApiCalledIt) {
  const test::TempDir dir;
  const auto file = dir / "j";
  auto journal = DnsJournal::open(file, "one");
  ASSERT_TRUE(journal);
  EXPECT_FALSE(journal->is_open());
  EXPECT_FALSE(std::filesystem::exists(file)) << "reading creates nothing";
  ASSERT_TRUE(journal->intent("apply", changes()));
  EXPECT_TRUE(DnsJournal::open(file, "one")->is_open());
  ASSERT_TRUE(journal->accepted({"id-1"}));
  EXPECT_EQ(DnsJournal::open(file, "one")->ids(), std::vector<std::string>{"id-1"});
  ASSERT_TRUE(journal->result());
  auto again = DnsJournal::open(file, "one");
  EXPECT_FALSE(again->is_open());
  ASSERT_TRUE(again->intent("restore", changes()));
  const auto third = DnsJournal::open(file, "one");
  EXPECT_TRUE(third->is_open());
  EXPECT_TRUE(third->ids().empty()) << "those of an earlier write";
  EXPECT_NE(text_of(file).find("10 mx.a.test."), std::string::npos);
}

TEST(DnsJournal, ALineThatWasCutOffNeverHappened) {
  const test::TempDir dir;
  const auto file = dir / "j";
  auto journal = DnsJournal::open(file, "one");
  ASSERT_TRUE(journal->intent("apply", changes()));
  ASSERT_TRUE(journal->result());
  const auto whole = text_of(file);
  ASSERT_TRUE(journal->intent("restore", changes()));
  const auto all = text_of(file);
  for (std::size_t cut = whole.size(); cut < all.size(); ++cut) {
    std::ofstream(file, std::ios::trunc) << all.substr(0, cut);
    auto read = DnsJournal::open(file, "one");
    ASSERT_TRUE(read) << cut;
    EXPECT_FALSE(read->is_open()) << cut;
    ASSERT_TRUE(read->intent("restore", changes()));
    EXPECT_TRUE(DnsJournal::open(file, "one")->is_open()) << cut;
  }
}

TEST(DnsJournal, ThatOfAnotherSnapshotIsBegunAnew) {
  const test::TempDir dir;
  const auto file = dir / "j";
  auto journal = DnsJournal::open(file, "one");
  ASSERT_TRUE(journal->intent("apply", changes()));
  auto other = DnsJournal::open(file, "two");
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->is_open());
  ASSERT_TRUE(other->intent("apply", changes()));
  EXPECT_EQ(text_of(file).find("one"), std::string::npos);
  std::ofstream(file, std::ios::trunc) << "something else\n";
  EXPECT_FALSE(DnsJournal::open(file, "one"));
}

}  // namespace
}  // namespace mxferry::app
