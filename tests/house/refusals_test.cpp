// SPDX-License-Identifier: Apache-2.0
// Every refusal (exit 6) and everything that waits for a person carries an id, so that `mxferry
// explain ID` says why and what to do. Reads the sources: wherever an error of code gate or
// conflict is made, or a step ends held or waiting for a person, an id stands near it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace fs = std::filesystem;

namespace mxferry {
namespace {

constexpr std::size_t kBefore = 900;  // of a statement that names its words first
constexpr std::size_t kBehind = 420;

bool is_id_at(const std::string& text, std::size_t at) {
  std::size_t i = at;
  while (i < text.size() && std::isupper(static_cast<unsigned char>(text[i])) != 0) ++i;
  const auto digit = [&](std::size_t k) {
    return k < text.size() && std::isdigit(static_cast<unsigned char>(text[k])) != 0;
  };
  return i - at >= 2 && i - at <= 4 && i < text.size() && text[i] == '-' && digit(i + 1) &&
         digit(i + 2) && !digit(i + 3);
}

bool has_id(const std::string& text) {
  for (auto at = text.find('"'); at != std::string::npos; at = text.find('"', at + 1))
    if (is_id_at(text, at + 1)) return true;
  return false;
}

// The places in `source` that make a refusal without an id near them, as line numbers.
std::vector<long> without_id(const std::string& source) {
  std::vector<long> out;
  for (const std::string made :
       {"ErrorCode::gate", "ErrorCode::conflict", "StepEnd::held(", "StepEnd::person("}) {
    for (auto at = source.find(made); at != std::string::npos; at = source.find(made, at + 1)) {
      const auto before = source.substr(at < 24 ? 0 : at - 24, std::min<std::size_t>(at, 24));
      // Asked for, handed on or defined, not made.
      const bool asks = before.ends_with("case ") || before.ends_with("== ") ||
                        before.ends_with("!= ") || before.ends_with("return ") ||
                        before.ends_with("static StepEnd ");
      if (asks && !made.starts_with("StepEnd")) continue;
      const auto from = at < kBefore ? 0 : at - kBefore;
      if (has_id(source.substr(from, at - from + kBehind))) continue;
      out.push_back(1 + std::count(source.begin(), source.begin() + static_cast<long>(at), '\n'));
    }
  }
  return out;
}

TEST(Refusals, TheSearchFindsOneWithoutAnId) {
  EXPECT_EQ(without_id("\n  return fail(ErrorCode::gate, \"run\", \"no\");").size(), 1U);
  EXPECT_EQ(without_id("co_return StepEnd::held(\"no\", \"do\");").size(), 1U);
  EXPECT_TRUE(without_id("return fail(ErrorCode::gate, \"run\", \"RN-01: no\");").empty());
  EXPECT_TRUE(without_id("if (error.code == ErrorCode::gate) return;").empty());
}

TEST(Refusals, EachOfCoreCarriesAnId) {
  int read = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(MXF_SOURCE_DIR) / "core")) {
    if (entry.path().extension() != ".cpp") continue;
    ++read;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    for (const auto line : without_id(text.str()))
      ADD_FAILURE() << entry.path().string() << ":" << line
                    << ": a refusal without an id of core/model/finding_catalog.cpp";
  }
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace mxferry
