// SPDX-License-Identifier: Apache-2.0
#include "app/write_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "support/temp_dir.hpp"

namespace mxferry::app {
namespace {

std::string text_of(const std::filesystem::path& file) {
  std::stringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

TEST(WriteFile, ReplacesAFileWholeAndKeepsItToItsOwner) {
  const test::TempDir dir;
  std::ofstream(dir / "plan") << "old and longer";
  ASSERT_TRUE(write_file(dir / "plan", "new"));
  EXPECT_EQ(text_of(dir / "plan"), "new");
  struct stat st {};
  ASSERT_EQ(::stat((dir / "plan").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(dir / "plan.new"));
  const auto nowhere = write_file(dir / "no" / "plan", "x");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::io);
}

TEST(WriteFile, ANewFileNeverTakesThePlaceOfOneThatIsThere) {
  const test::TempDir dir;
  ASSERT_TRUE(write_new_file(dir / "snapshot", "first"));
  for (const char* name : {"snapshot", "link"}) {
    std::error_code ec;
    std::filesystem::create_symlink(dir / "elsewhere", dir / "link", ec);
    const auto again = write_new_file(dir / name, "second");
    ASSERT_FALSE(again) << name;
    EXPECT_EQ(again.error().code, ErrorCode::usage) << name;
  }
  EXPECT_EQ(text_of(dir / "snapshot"), "first");
  EXPECT_FALSE(std::filesystem::exists(dir / "elsewhere"));
}

TEST(WriteFile, BehindAnOffsetNothingOlderStays) {
  const test::TempDir dir;
  ASSERT_TRUE(write_behind(dir / "journal", 0, "one\n"));
  struct stat st {};
  ASSERT_EQ(::stat((dir / "journal").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  ASSERT_TRUE(write_behind(dir / "journal", 4, "two, cut o"));
  ASSERT_TRUE(write_behind(dir / "journal", 4, "2\n"));
  EXPECT_EQ(text_of(dir / "journal"), "one\n2\n");
  std::filesystem::create_symlink(dir / "elsewhere", dir / "link");
  const auto link = write_behind(dir / "link", 0, "x");
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, ErrorCode::io);
  EXPECT_FALSE(std::filesystem::exists(dir / "elsewhere"));
}

}  // namespace
}  // namespace mxferry::app
