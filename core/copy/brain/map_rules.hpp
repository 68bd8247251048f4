// SPDX-License-Identifier: Apache-2.0
// Rules that say where source folders go, one a line; the first that matches counts. Pure, any
// thread.
//
//   rule    = kind pattern "->" target [ "merge" ] | "skip" kind pattern
//   kind    = "exact" | "prefix" | "glob" | "re2"
//   pattern, target = a word without blanks, or "in quotes" (there \" is a quote; any other
//                     backslash stands for itself)
//   # begins a comment; empty lines count for nothing
//
//   exact  Gesendet              -> Sent merge
//   prefix Projekte              -> Archive/Projects     # and all that lies below it
//   glob   "Listen/*"            -> "Mailing lists/\1"
//   re2    "(?i)spam( \d+)?"     -> Junk merge
//   skip   glob "Public/**"
//
// Paths are UTF-8, parts joined by '/', on both sides, whatever the servers' delimiters are.
// INBOX is INBOX in any spelling. \1..\9 are the groups of the pattern.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copy/brain/pattern.hpp"

namespace mxferry::copy {

/// What the rules say about one folder.
struct MapTarget {
  std::vector<std::string> path{};
  bool skip = false;
  bool merge = false;     // several folders may go there
  std::size_t line = 0;   // of the rule, from 1
  std::string problem{};  // the target's name is none: an empty part
};

class MapRules {
 public:
  /// `file` stands in errors. config with FILE:LINE:COLUMN, what was expected and what was found.
  static Result<MapRules> parse(std::string_view text, const std::string& file);

  bool empty() const { return rules_.empty(); }
  std::optional<MapTarget> find(const std::vector<std::string>& path) const;

 private:
  struct Rule {
    enum class Kind { exact, prefix, pattern } kind = Kind::exact;
    std::string text{};
    std::optional<Pattern> pattern{};
    std::string target{};
    bool skip = false;
    bool merge = false;
    std::size_t line = 0;
  };
  std::vector<Rule> rules_;
};

}  // namespace mxferry::copy
