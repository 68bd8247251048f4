// SPDX-License-Identifier: Apache-2.0
#include "model/finding_catalog.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace fs = std::filesystem;

namespace mxferry {
namespace {

std::string text_of(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// Ids as they stand at the start of a string literal: a quote, two to four capitals, a dash, two
// digits, then no letter or digit.
std::set<std::string> ids_in(const std::string& text) {
  std::set<std::string> out;
  for (std::size_t i = text.find('"'); i != std::string::npos; i = text.find('"', i + 1)) {
    std::size_t at = i + 1;
    while (at < text.size() && std::isupper(static_cast<unsigned char>(text[at])) != 0) ++at;
    const auto letters = at - i - 1;
    if (letters < 2 || letters > 4 || at + 3 >= text.size() || text[at] != '-') continue;
    if (std::isdigit(static_cast<unsigned char>(text[at + 1])) == 0 ||
        std::isdigit(static_cast<unsigned char>(text[at + 2])) == 0 ||
        std::isalnum(static_cast<unsigned char>(text[at + 3])) != 0 || text[at + 3] == '-')
      continue;
    out.insert(text.substr(i + 1, letters + 3));
  }
  return out;
}

TEST(FindingCatalog, HoldsEveryIdThatCoreUses) {
  std::set<std::string> used;
  for (const char* folder :
       {"plan", "pipeline", "app", "dns", "copy", "smtp", "plugin", "store", "protocol/dns"})
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(MXF_SOURCE_DIR) / "core" / folder)) {
      if (entry.path().extension() != ".cpp") continue;
      for (const auto& id : ids_in(text_of(entry.path()))) {
        used.insert(id);
        EXPECT_NE(find_finding(id), nullptr) << id << " of " << entry.path();
      }
    }
  EXPECT_GT(used.size(), 10U) << "the search itself must find what is there";
  for (const auto& entry : finding_catalog())
    EXPECT_TRUE(used.contains(std::string(entry.id))) << entry.id << " is used nowhere";
}

TEST(FindingCatalog, IsSortedAndWhole) {
  std::string_view last;
  for (const auto& entry : finding_catalog()) {
    EXPECT_LT(last, entry.id);
    last = entry.id;
    EXPECT_FALSE(entry.why.empty() || entry.what_to_do.empty() || entry.title.empty()) << entry.id;
  }
}

TEST(FindingCatalog, IsFoundWhateverTheCase) {
  EXPECT_EQ(find_finding("mx-01"), find_finding("MX-01"));
  EXPECT_EQ(find_finding("MX-0"), nullptr);
  EXPECT_EQ(find_finding(""), nullptr);
}

TEST(FindingCatalog, ThePageIsWhatScriptsDocsWrites) {
  EXPECT_EQ(text_of(fs::path(MXF_SOURCE_DIR) / "docs/operate/findings.md"), finding_catalog_page())
      << "run scripts/docs";
}

}  // namespace
}  // namespace mxferry
