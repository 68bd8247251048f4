// SPDX-License-Identifier: Apache-2.0
#include "config/notice_template.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_dir.hpp"

namespace mxferry::config {
namespace {

TEST(NoticeTemplate, AnUnknownNameIsNamedWithItsPlace) {
  EXPECT_TRUE(check_template("Subject: {{domain}}\n\n{{ not_moved }}\n", "x.txt"));
  const auto unknown = check_template("Subject: a\n\n  {{domian}}\n", "x.txt");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().operation, "x.txt:3:3");
  EXPECT_NE(unknown.error().text.find("{{domian}}"), std::string::npos);
  const auto open = check_template("a {{domain\n}}", "x.txt");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().operation, "x.txt:1:3");
}

TEST(NoticeTemplate, ListsAreLinesAndValuesAreEscaped) {
  const TemplateValues values = {
      {"domain", TemplateValue::of(std::string("a<b>\x1b"))},
      {"not_moved", TemplateValue::of(std::vector<std::string>{"one", "t&w"})}};
  EXPECT_EQ(*render_template("{{domain}}:\n{{not_moved}}\n", values, false),
            "a<b>\\x1b:\n  - one\n  - t&w\n");
  EXPECT_EQ(*render_template("<p>{{domain}}</p>\n{{not_moved}}", values, true),
            "<p>a&lt;b&gt;\\x1b</p>\n<li>one</li>\n<li>t&amp;w</li>");
  EXPECT_FALSE(render_template("{{plan}}", values, false)) << "a value that nobody gave";
}

TEST(NoticeTemplate, BothFilesOfANoticeOrNone) {
  const test::TempDir dir;
  EXPECT_FALSE(read_templates(dir.path())) << "an empty folder is a mistake";
  EXPECT_FALSE(read_templates(dir / "nowhere"));
  std::ofstream(dir / "before-users.txt") << "Subject: x\n\ny\n";
  const auto half = read_templates(dir.path());
  ASSERT_FALSE(half);
  EXPECT_NE(half.error().operation.find("before-users.html"), std::string::npos);
  std::ofstream(dir / "before-users.html") << "<p>{{contact}}</p>";
  const auto both = read_templates(dir.path());
  ASSERT_TRUE(both) << both.error().message();
  EXPECT_EQ(both->size(), 2U);
  std::ofstream(dir / "before-users.txt") << "no subject\n";
  EXPECT_FALSE(read_templates(dir.path()));
}

}  // namespace
}  // namespace mxferry::config
