// SPDX-License-Identifier: Apache-2.0
// Pattern: a rule's way to name folders: by the exact path, by its beginning, by a glob, by a
// regular expression (RE2: linear time whatever the pattern). Paths are UTF-8, parts joined by '/'.
// Values, any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/copy_filter.hpp"

namespace re2 {
class RE2;
}

namespace mxferry::copy {

class Pattern {
 public:
  /// `*` is any text within a part, `**` any text, `?` one character; the rest stands for itself.
  static Pattern glob(std::string_view text);
  /// The whole path must match. config: what RE2 says.
  static Result<Pattern> regex(std::string_view text);

  bool matches(std::string_view path) const;
  /// The path with `to`'s \1..\9 filled from the groups (a glob's `*`, `**` and `?` are groups);
  /// nothing where it does not match.
  std::optional<std::string> rewrite(std::string_view path, std::string_view to) const;
  /// The most of \1..\9 that `to` may name.
  int groups() const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> re) : re_(std::move(re)) {}
  std::shared_ptr<const re2::RE2> re_;  // shared by copies of the value; immutable
};

/// A FolderFilter made ready to ask.
class FolderChoice {
 public:
  explicit FolderChoice(const FolderFilter& filter);
  /// INBOX in any spelling is INBOX.
  bool takes(const std::vector<std::string>& path) const;

 private:
  std::vector<Pattern> only_, except_;
};

/// The parts joined by '/'.
std::string joined_path(const std::vector<std::string>& path);

}  // namespace mxferry::copy
