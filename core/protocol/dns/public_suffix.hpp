// SPDX-License-Identifier: Apache-2.0
// The public suffix list (publicsuffix.org, its "Format" page): where organisations begin, as RFC
// 7489 §3.2 asks. Rules in letters outside of ASCII are left out: names here are A-labels. Pure,
// any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace mxferry::dns {

class PublicSuffixes {
 public:
  explicit PublicSuffixes(std::string_view list);

  /// The public suffix of the name and one label more; the name itself where it is a suffix. Both
  /// canonical.
  std::string organizational_domain(const std::string& name) const;
  bool empty() const { return rules_.empty(); }

 private:
  std::set<std::string> rules_;       // canonical names, "*" as a first label
  std::set<std::string> exceptions_;  // without their '!'
};

}  // namespace mxferry::dns
