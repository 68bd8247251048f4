// SPDX-License-Identifier: Apache-2.0
#include "app/dns_snapshot_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "app/dns_journal.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::app {
namespace {

AppliedSnapshot snapshot(const std::string& zone = "a.test.") {
  AppliedSnapshot out;
  out.plugin = "fake";
  out.before = {zone, {}};
  out.changes = {{std::nullopt, ZoneRRset{"www." + zone, "A", 40, {}, {{"192.0.2.1"}}}}};
  return out;
}

std::filesystem::path keep(const std::filesystem::path& folder, const AppliedSnapshot& snapshot,
                           Instant at) {
  auto file = new_snapshot_name(folder, at);
  std::ofstream(file) << snapshot_text(snapshot);
  return file;
}

TEST(SnapshotFolder, EachZoneHasOneThatNoMigrationCanName) {
  EXPECT_NE(snapshot_folder("a.test."), snapshot_folder("b.test."));
  EXPECT_EQ(snapshot_folder("0/25.2.0.192.in-addr.arpa.").filename(), "0_25.2.0.192.in-addr.arpa.");
  EXPECT_EQ(snapshot_folder("../x.").filename(), "_._x.");
  EXPECT_EQ(snapshot_folder("a.test.").parent_path().filename(), "dns.snapshots");
}

TEST(SnapshotFolder, NoNameIsGivenTwice) {
  const test::TempDir dir;
  const auto first = keep(dir.path(), snapshot(), Instant(Seconds(100)));
  const auto second = new_snapshot_name(dir.path(), Instant(Seconds(100)));
  EXPECT_NE(first, second);
  EXPECT_LT(first, second) << "they sort by time";
}

TEST(SnapshotFolder, TheNewestIsUnfinishedUntilItsResultStands) {
  const test::TempDir dir;
  EXPECT_FALSE(*newest_unfinished(dir.path() / "none", "fake", "a.test."));
  const auto old = keep(dir.path(), snapshot(), Instant(Seconds(100)));
  const auto file = keep(dir.path(), snapshot(), Instant(Seconds(200)));
  keep(dir.path(), snapshot("b.test."), Instant(Seconds(300)));
  std::ofstream(dir.path() / "9.json") << "{\"no\": \"snapshot\"}";
  const auto found = newest_unfinished(dir.path(), "fake", "a.test.");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->file, file);
  EXPECT_FALSE(*newest_unfinished(dir.path(), "other", "a.test."));

  auto journal = DnsJournal::open(file.string() + ".journal", snapshot_digest(snapshot()));
  ASSERT_TRUE(journal->intent("apply", snapshot().changes));
  EXPECT_TRUE(*newest_unfinished(dir.path(), "fake", "a.test."));
  ASSERT_TRUE(journal->result());
  EXPECT_FALSE(*newest_unfinished(dir.path(), "fake", "a.test."))
      << "older ones that were cut off are behind it";
}

}  // namespace
}  // namespace mxferry::app
