// SPDX-License-Identifier: Apache-2.0
// Reads every include of core/ and sdk/ and holds it against the table of floors in
// core/CMakeLists.txt.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Floor {
  std::string name;
  std::string folder;
  std::vector<std::string> floors;
  std::vector<std::string> headers;
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) out.push_back(part);
  return out;
}

std::vector<Floor> read_floors() {
  std::ifstream file(fs::path(MXF_BINARY_DIR) / "floors.txt");
  std::vector<Floor> floors;
  for (std::string line; std::getline(file, line);) {
    auto parts = split(line, '|');
    if (parts.size() < 2) continue;
    parts.resize(4);
    floors.push_back({parts[0], parts[1], split(parts[2], ','), split(parts[3], ',')});
  }
  return floors;
}

// The standard library and the system calls that any floor may name; everything else is somebody's
// library.
bool is_system_header(const std::string& header) {
  static const std::set<std::string> posix = {"unistd.h", "fcntl.h", "signal.h", "poll.h",
                                              "netdb.h",  "spawn.h", "dirent.h", "termios.h",
                                              "pwd.h",    "dlfcn.h"};
  if (header.find('/') == std::string::npos && header.find('.') == std::string::npos) return true;
  return posix.contains(header) || header.starts_with("sys/") || header.starts_with("netinet/") ||
         header.starts_with("arpa/") || header.starts_with("net/if");
}

std::vector<std::string> includes_of(const fs::path& path) {
  static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_search(line, match, pattern)) out.push_back(match[1]);
  }
  return out;
}

bool is_source(const fs::path& path) {
  return path.extension() == ".cpp" || path.extension() == ".hpp" || path.extension() == ".h";
}

TEST(House, EveryIncludeOfCoreStandsOnItsFloorsLine) {
  const auto floors = read_floors();
  ASSERT_GT(floors.size(), 15U);
  const fs::path core = fs::path(MXF_SOURCE_DIR) / "core";
  // The floor of a path is the one with the longest folder that begins it: copy/brain/x.hpp belongs
  // to brain.
  const auto floor_of = [&](const std::string& path) -> const Floor* {
    const Floor* best = nullptr;
    for (const auto& floor : floors)
      if (path.starts_with(floor.folder + "/") &&
          (best == nullptr || floor.folder.size() > best->folder.size()))
        best = &floor;
    return best;
  };
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(core)) {
    if (!entry.is_regular_file() || !is_source(entry.path())) continue;
    const std::string path = fs::relative(entry.path(), core).string();
    const Floor* floor = floor_of(path);
    if (floor == nullptr) {
      EXPECT_EQ(path, "asio.cpp") << "a file outside every floor";
      continue;
    }
    ++files;
    for (const auto& header : includes_of(entry.path())) {
      if (is_system_header(header)) continue;
      if (header.starts_with("mxferry/")) {
        const bool allowed =
            header == "mxferry/result.hpp" ||
            std::find(floor->floors.begin(), floor->floors.end(), "sdk") != floor->floors.end();
        EXPECT_TRUE(allowed) << path << " includes " << header
                             << " but its floor does not stand on sdk";
        continue;
      }
      if (const Floor* other = floor_of(header)) {
        const bool allowed = other->name == floor->name ||
                             std::find(floor->floors.begin(), floor->floors.end(), other->name) !=
                                 floor->floors.end();
        EXPECT_TRUE(allowed) << path << " includes " << header << " of floor " << other->name
                             << ", which is not on the line of " << floor->name;
        continue;
      }
      bool allowed = false;
      for (const auto& prefix : floor->headers) allowed = allowed || header.starts_with(prefix);
      EXPECT_TRUE(allowed) << path << " includes " << header << ", which floor " << floor->name
                           << " may not use";
    }
  }
  EXPECT_GT(files, 10U);
}

TEST(House, PluginsNeverIncludeCore) {
  const fs::path plugins = fs::path(MXF_SOURCE_DIR) / "plugins";
  std::set<std::string> floors;
  for (const auto& floor : read_floors())
    floors.insert(floor.folder.substr(0, floor.folder.find('/')));
  for (const auto& entry : fs::recursive_directory_iterator(plugins)) {
    if (!entry.is_regular_file() || !is_source(entry.path())) continue;
    if (entry.path().parent_path().filename() == "tests")
      continue;  // a plugin's tests run it through the host
    for (const auto& header : includes_of(entry.path())) {
      const auto first = header.substr(0, header.find('/'));
      EXPECT_FALSE(header.find('/') != std::string::npos && floors.contains(first))
          << entry.path() << " includes " << header;
    }
  }
}

TEST(House, NoStdRegexInCore) {
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(MXF_SOURCE_DIR) / "core")) {
    if (!entry.is_regular_file() || !is_source(entry.path())) continue;
    for (const auto& header : includes_of(entry.path())) EXPECT_NE(header, "regex") << entry.path();
  }
}

// g++ 12 miscompiles an aggregate temporary or a braced list inside a co_await expression (double
// free).
TEST(House, NoBracedTemporaryInsideCoAwait) {
  static const std::regex pattern(R"(co_await[^;]*[({,]\s*([A-Za-z_:<>]+)?\{)");
  static const std::regex branches(R"([?:]\s*co_await)");
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(MXF_SOURCE_DIR) / "core")) {
    if (!entry.is_regular_file() || !is_source(entry.path())) continue;
    std::ifstream file(entry.path());
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      EXPECT_FALSE(std::regex_search(line, pattern))
          << entry.path() << ":" << number << ": " << line;
      EXPECT_FALSE(std::regex_search(line, branches))
          << entry.path() << ":" << number << ": " << line;
    }
  }
}

}  // namespace
