// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/public_suffix.hpp"

#include <algorithm>

#include "protocol/dns/name.hpp"

namespace mxferry::dns {

PublicSuffixes::PublicSuffixes(std::string_view list) {
  while (!list.empty()) {
    auto line = list.substr(0, list.find('\n'));
    list.remove_prefix(std::min(list.size(), line.size() + 1));
    line = line.substr(0, line.find_first_of(" \t\r"));
    if (line.empty() || line.starts_with("//")) continue;
    const bool exception = line.starts_with('!');
    if (exception) line.remove_prefix(1);
    if (line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-*.") != std::string_view::npos)
      continue;
    const auto name = canonical_name(line);
    if (name) (exception ? exceptions_ : rules_).insert(*name);
  }
}

std::string PublicSuffixes::organizational_domain(const std::string& name) const {
  // The longest rule prevails, an exception over all; without any it is "*".
  std::string below = name;  // one label below `suffix`
  for (std::string suffix = name; suffix != "."; suffix = parent_of(suffix)) {
    if (exceptions_.contains(suffix)) return suffix;
    const auto parent = parent_of(suffix);
    if (parent == "." || rules_.contains(suffix) || rules_.contains("*." + parent)) return below;
    below = suffix;
  }
  return name;
}

}  // namespace mxferry::dns
