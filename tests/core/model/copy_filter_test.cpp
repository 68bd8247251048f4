// SPDX-License-Identifier: Apache-2.0
#include "model/copy_filter.hpp"

#include <gtest/gtest.h>

namespace mxferry {
namespace {

MessageInfo message(std::int64_t instant, std::uint64_t size, imap::Flags flags = {}) {
  MessageInfo out;
  out.uid = Uid(1);
  imap::InternalDate date;
  date.instant = std::chrono::sys_seconds(std::chrono::seconds(instant));
  out.date = date;
  out.size = size;
  out.flags = std::move(flags);
  return out;
}

TEST(MessageFilter, DatesCountFromMidnightUtcAndSizesIncludeBothEnds) {
  MessageFilter filter;
  filter.since = parse_day("2001-09-09");   // 1'000'000'000 is 01:46:40 on that day
  filter.before = parse_day("2001-09-10");  // from 1'000'080'000 on
  ASSERT_TRUE(filter.since && filter.before);
  EXPECT_TRUE(filter.passes(message(1'000'000'000, 1)));
  EXPECT_TRUE(filter.passes(message(999'993'600, 1)));
  EXPECT_FALSE(filter.passes(message(999'993'599, 1)));
  EXPECT_TRUE(filter.passes(message(1'000'079'999, 1)));
  EXPECT_FALSE(filter.passes(message(1'000'080'000, 1)));
  auto undated = message(0, 1);
  undated.date.reset();
  EXPECT_TRUE(filter.passes(undated)) << "unknown is not left out";
  MessageFilter sizes;
  sizes.min_size = 10;
  sizes.max_size = 20;
  EXPECT_FALSE(sizes.passes(message(0, 9)));
  EXPECT_TRUE(sizes.passes(message(0, 10)));
  EXPECT_TRUE(sizes.passes(message(0, 20)));
  EXPECT_FALSE(sizes.passes(message(0, 21)));
}

TEST(MessageFilter, FlagsMustAllBeThereAndNoneOfTheOthers) {
  MessageFilter filter;
  filter.with = {"\\Flagged", "work"};
  filter.without = {"\\Deleted"};
  EXPECT_TRUE(filter.by_flags());
  EXPECT_TRUE(filter.passes(message(0, 1, {"\\flagged", "Work", "\\Seen"})));
  EXPECT_FALSE(filter.passes(message(0, 1, {"\\Flagged"})));
  EXPECT_FALSE(filter.passes(message(0, 1, {"\\Flagged", "work", "\\Deleted"})));
}

TEST(MessageFilter, ItsTextIsReadBackAndAnythingElseIsNoFilter) {
  MessageFilter filter;
  filter.since = parse_day("1999-12-31");
  filter.before = parse_day("2024-02-29");
  filter.min_size = 0;
  filter.max_size = 18'446'744'073'709'551'615ULL;
  filter.with = {"\\Seen", "$Label1"};
  filter.without = {"x=y"};
  auto again = MessageFilter::parse(filter.text());
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, filter);
  EXPECT_EQ(MessageFilter().text(), "");
  auto nothing = MessageFilter::parse("");
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->empty());
  for (const auto* bad : {"x", "since=", "since=2024-02-30", "max-size=-1", "min-size=1x",
                          "with=", "colour=red", " ", "since=2024-01-01  before=2024-01-02"})
    EXPECT_FALSE(MessageFilter::parse(bad)) << bad;
}

TEST(CopyFilter, DaysOctetsAndFlagsAreReadStrictly) {
  for (const auto* bad : {"2024-13-01", "2024-1-01", "24-01-01", "2024-01-32", "2023-02-29", "",
                          "2024-01-01 ", "0000-01-01", "2024/01/01", "+024-01-01"})
    EXPECT_FALSE(parse_day(bad)) << bad;
  EXPECT_EQ(parse_octets("0"), 0U);
  EXPECT_EQ(parse_octets("500k"), 512'000U);
  EXPECT_EQ(parse_octets("25M"), 26'214'400U);
  EXPECT_EQ(parse_octets("2G"), 2'147'483'648U);
  for (const auto* bad : {"", "k", "-1", "1.5M", "1 M", "99999999999G", "1T"})
    EXPECT_FALSE(parse_octets(bad)) << bad;
  EXPECT_TRUE(is_flag("\\Deleted"));
  EXPECT_TRUE(is_flag("$Label1"));
  for (const auto* bad : {"", "\\", "a b", "a)", "{1}", "\\*", "a\r\nb", "\"q\"", "\xc3\xa4"})
    EXPECT_FALSE(is_flag(bad)) << bad;
}

TEST(FolderFilter, ItsTextIsReadBack) {
  FolderFilter filter;
  filter.only = {"Work/**", "+odd", "with blank"};
  filter.except = {"-x"};
  EXPECT_EQ(FolderFilter::parse(filter.text()), filter);
  EXPECT_EQ(FolderFilter::parse(""), FolderFilter());
}

}  // namespace
}  // namespace mxferry
