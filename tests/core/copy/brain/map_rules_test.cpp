// SPDX-License-Identifier: Apache-2.0
#include "copy/brain/map_rules.hpp"

#include <gtest/gtest.h>

namespace mxferry::copy {
namespace {

std::string target(const MapRules& rules, const std::vector<std::string>& path) {
  const auto found = rules.find(path);
  if (!found) return "-";
  if (found->skip) return "skip";
  return joined_path(found->path) + (found->merge ? " merge" : "");
}

TEST(MapRules, TheFirstRuleThatMatchesCounts) {
  auto rules = MapRules::parse(
      "# folders of the old office\r\n"
      "\n"
      "exact  Gesendet -> Sent merge   # not its children\n"
      "prefix Projekte -> Archive/Projects\n"
      "glob   \"Listen/*\" -> \"Mailing lists/\\1\"\n"
      "re2    \"(?i)spam( \\d+)?\" -> Junk merge\n"
      "skip glob \"Public/**\"\n"
      "exact \"say \\\"hi\\\"\" -> x\n"
      "exact inbox -> \"Old INBOX\"\n"
      "glob ** -> Rest/\\1",
      "map.txt");
  ASSERT_TRUE(rules) << rules.error().message();
  EXPECT_EQ(target(*rules, {"Gesendet"}), "Sent merge");
  EXPECT_EQ(target(*rules, {"Gesendet", "2019"}), "Rest/Gesendet/2019");
  EXPECT_EQ(target(*rules, {"Projekte"}), "Archive/Projects");
  EXPECT_EQ(target(*rules, {"Projekte", "a", "b"}), "Archive/Projects/a/b");
  EXPECT_EQ(target(*rules, {"Projekte2"}), "Rest/Projekte2");
  EXPECT_EQ(target(*rules, {"Listen", "dev"}), "Mailing lists/dev");
  EXPECT_EQ(target(*rules, {"SPAM 7"}), "Junk merge");
  EXPECT_EQ(target(*rules, {"Public", "x"}), "skip");
  EXPECT_EQ(target(*rules, {"say \"hi\""}), "x");
  EXPECT_EQ(target(*rules, {"INBOX"}), "Old INBOX");
  EXPECT_EQ(rules->find({"INBOX"})->line, 9U);
  EXPECT_EQ(target(*MapRules::parse("", "m"), {"INBOX"}), "-");
}

TEST(MapRules, AMistakeIsNamedByFileLineAndColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {"move a -> b", "m:1:1: expected exact, prefix, glob or re2, found \"move\""},
      {"exact a", "m:1:8: expected ->, found the end of the line"},
      {"\n\nexact a => b", "m:3:9: expected ->, found \"=>\""},
      {"exact a ->", "m:1:11: expected the folder at the destination, found the end of the line"},
      {"exact \"a -> b", "m:1:7: this quote is not closed"},
      {"exact a -> b merge now", "m:1:20: expected the end of the line, found \"now\""},
      {"exact a -> /b", "m:1:12: expected a path without empty parts, found \"/b\""},
      {"prefix a/ -> b", "m:1:8: expected a path without empty parts, found \"a/\""},
      {"re2 a(b -> c", "m:1:5: not a regular expression of RE2: missing ): a(b"},
      {"glob a* -> b\\2", "m:1:12: \\2 is named, and the pattern has 1 groups"},
      {"skip", "m:1:5: expected exact, prefix, glob or re2, found the end of the line"},
      {"\"exact\" a -> b", "m:1:1: expected exact, prefix, glob or re2, found \"exact\""},
      {"exact \x1b[2J", "m:1:11: expected ->, found the end of the line"},
  };
  for (const auto& [text, expected] : cases) {
    auto rules = MapRules::parse(text, "m");
    ASSERT_FALSE(rules) << text;
    EXPECT_EQ(rules.error().code, ErrorCode::config) << text;
    EXPECT_EQ(rules.error().operation + ": " + rules.error().text, expected);
  }
}

TEST(MapRules, ANameWithAnEmptyPartIsTheRulesProblem) {
  auto rules = MapRules::parse("glob \"a*\" -> x/\\1", "m");
  ASSERT_TRUE(rules);
  EXPECT_FALSE(rules->find({"a"})->problem.empty());
  EXPECT_TRUE(rules->find({"ab"})->problem.empty());
}

// Whatever stands in the file: it is read or refused, and what is read answers for every folder.
TEST(MapRules, AnyOctetsAreReadOrRefused) {
  std::string text;
  for (int c = 0; c < 256; ++c)
    for (const char* form :
         {"exact %-> x", "glob \"%\" -> y", "re2 % -> z", "%", "skip re2 \"%\""}) {
      std::string line = form;
      line.replace(line.find('%'), 1, 1, static_cast<char>(c));
      auto rules = MapRules::parse(line, "m");
      if (rules) (void)rules->find({"a", std::string(1, static_cast<char>(c))});
      if (!rules) {
        EXPECT_EQ(rules.error().code, ErrorCode::config);
      }
    }
}

}  // namespace
}  // namespace mxferry::copy
