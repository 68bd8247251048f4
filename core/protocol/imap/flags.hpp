// SPDX-License-Identifier: Apache-2.0
// Flags: the flags and keywords of one message as a sorted set. Names compare without case (RFC
// 9051 §2.3.2); the five system flags take their one spelling, keywords keep theirs. `\Recent` is
// dropped on the way in: it belongs to a session. Plain values, any thread.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mxferry::imap {

class Flags {
 public:
  Flags() = default;
  Flags(std::initializer_list<std::string_view> names) {
    for (const auto name : names) add(name);
  }

  /// Of any number of names in any order, as a server sends them.
  explicit Flags(std::vector<std::string> names);

  void add(std::string_view name);
  void remove(std::string_view name);
  bool contains(std::string_view name) const;
  bool empty() const { return names_.empty(); }
  const std::vector<std::string>& names() const { return names_; }
  /// "\Answered \Seen $Forwarded": what stands between the parentheses on the wire.
  std::string text() const;
  /// The inverse of text().
  static Flags parse(std::string_view text);

  /// Members of this set that `other` lacks.
  Flags minus(const Flags& other) const;
  Flags plus(const Flags& other) const;
  /// Equal as sets of case-insensitive names.
  bool same_as(const Flags& other) const;
  bool operator==(const Flags& other) const { return same_as(other); }

 private:
  std::vector<std::string> names_;  // ascending by lower-cased name, no two equal
};

/// What a mailbox keeps: PERMANENTFLAGS of SELECT (RFC 9051 §7.1). Without an answer everything is
/// assumed to be kept.
class PermanentFlags {
 public:
  PermanentFlags() = default;
  explicit PermanentFlags(const std::vector<std::string>& names);
  /// What is no flag at all is never kept.
  bool keeps(std::string_view name) const;
  /// The subset of `flags` that the mailbox keeps.
  Flags kept(const Flags& flags) const;

 private:
  bool known_ = false;
  bool any_keyword_ = false;
  Flags listed_;
};

/// RFC 9051 §9 flag: an atom, or `\` and an atom. Nothing else can be sent.
bool is_flag(std::string_view name);
/// A name that a server sent as a string and that is no flag, so that it can be one: `_` for what
/// no atom has.
std::string as_flag(std::string_view name);

/// Of ASCII letters alone, in any locale.
inline char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
/// By to_lower(). Asked some forty times for each message: it is to be inlined.
inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}
std::string to_upper(std::string_view text);

}  // namespace mxferry::imap
