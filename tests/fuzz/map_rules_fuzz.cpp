// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a mapping file of `--map`. What cannot be read is told with file, line and column;
// what can maps any folder to a path or says why not, and a comment more changes nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "copy/brain/map_rules.hpp"

namespace {

const std::vector<std::vector<std::string>>& folders() {
  static const std::vector<std::vector<std::string>> kFolders = {
      {"INBOX"},           {"inbox"},     {"Gesendet"}, {"Projekte", "2026", "a"},
      {"Listen", "c++.x"}, {"spam 2026"}, {"a\\1", ""}, {"\xC3\x84", "\xF0\x9F\x93\xAC"}};
  return kFolders;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using mxferry::copy::MapRules;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto rules = MapRules::parse(text, "map");
  if (!rules) {
    const auto& error = rules.error();
    if (error.code != mxferry::ErrorCode::config || error.text.empty()) std::abort();
    if ((error.operation + ' ' + error.text).find("map:") == std::string::npos) std::abort();
    return 0;
  }
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  const auto again = MapRules::parse("# one comment more\n" + text, "map");
  if (!again || again->empty() != rules->empty()) std::abort();
  for (const auto& folder : folders()) {
    const auto target = rules->find(folder);
    const auto other = again->find(folder);
    if (target.has_value() != other.has_value()) std::abort();
    if (!target) continue;
    if (target->line < 1 || target->line > lines || other->line != target->line + 1) std::abort();
    if (target->path != other->path || target->skip != other->skip) std::abort();
    if (target->skip || !target->problem.empty()) continue;
    if (target->path.empty()) std::abort();
    for (const auto& part : target->path)
      if (part.empty() || part.find('/') != std::string::npos) std::abort();
  }
  return 0;
}
