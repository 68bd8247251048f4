// SPDX-License-Identifier: Apache-2.0
// The README's plan.toml and mailboxes.csv are read as they stand there, and every key that the
// reader knows is in docs/operate/plan-file.md.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/plan_file.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::config {
namespace {

std::string text_of(const std::string& file) {
  std::stringstream text;
  text << std::ifstream(std::string(MXF_SOURCE_DIR "/") + file).rdbuf();
  return text.str();
}

std::string block(const std::string& text, const std::string& language) {
  const std::string open = "```" + language + "\n";
  const auto begin = text.find(open);
  if (begin == std::string::npos) return "";
  const auto from = begin + open.size();
  return text.substr(from, text.find("```", from) - from);
}

TEST(ReadmeExample, IsAPlanThatIsRead) {
  const auto readme = text_of("README.md");
  const test::TempDir dir;
  std::ofstream(dir / "plan.toml") << block(readme, "toml");
  std::ofstream(dir / "mailboxes.csv") << block(readme, "csv");
  const auto plan = read_plan_file(dir / "plan.toml");
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->mailboxes.size(), 2U);
  EXPECT_EQ(plan->domains.at(0).mx.size(), 2U);
}

TEST(PlanFilePage, NamesEveryKeyThatIsRead) {
  const auto source = text_of("core/config/plan_file.cpp");
  const auto page = text_of("docs/operate/plan-file.md");
  std::size_t keys = 0;
  // s.text("KEY", …) and its like; a table's own name too.
  for (const std::string call : {"text(\"", "texts(\"", "flag(\"", "number(\"", "duration(\"",
                                 "pairs(\"", "table(\"", "tables(\"", "node(\""})
    for (auto at = source.find(call); at != std::string::npos; at = source.find(call, at + 1)) {
      const auto from = at + call.size();
      const auto key = source.substr(from, source.find('"', from) - from);
      ++keys;
      bool named = false;
      for (const auto& [before, after] : std::initializer_list<std::pair<const char*, const char*>>{
               {"`", "`"}, {"[", "]"}, {"`", "."}, {".", "`"}, {"{ ", ""}, {", ", ""}})
        named = named || page.find(before + key + after) != std::string::npos;
      EXPECT_TRUE(named) << key;
    }
  EXPECT_GT(keys, 30U);
}

}  // namespace
}  // namespace mxferry::config
