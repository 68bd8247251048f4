// SPDX-License-Identifier: Apache-2.0
// What a copy leaves out when it is asked to: messages by date, size and flags, folders by name.
// Plain values with one text form, which the state keeps so that a later run and verify know what
// was left out. Any thread.
//
//   text = [ "since=2024-01-01" | "before=..." | "min-size=N" | "max-size=N" | "with=FLAG"
//          | "without=FLAG" ]*   separated by blanks, in this order
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/mail.hpp"

namespace mxferry {

struct MessageFilter {
  /// By INTERNALDATE as an instant: from 00:00 UTC of `since` on, until 00:00 UTC of `before`.
  std::optional<std::chrono::sys_days> since{};
  std::optional<std::chrono::sys_days> before{};
  /// Octets as the server says them, both ends included.
  std::optional<std::uint64_t> min_size{};
  std::optional<std::uint64_t> max_size{};
  imap::Flags with{};     // all of them are set
  imap::Flags without{};  // none of them is set

  bool operator==(const MessageFilter&) const = default;
  bool empty() const { return *this == MessageFilter(); }
  /// Does what it says of a message change as its flags change?
  bool by_flags() const { return !with.empty() || !without.empty(); }
  /// A message whose date is not known passes a date.
  bool passes(const MessageInfo& message) const;
  std::string text() const;
  /// The inverse of text(); store for anything else: what was left out is then not known.
  static Result<MessageFilter> parse(std::string_view text);
};

/// Globs over UTF-8 paths joined by '/': `*` is any text within a part, `**` any text, `?` one
/// character. A pattern that names a folder covers what lies below it.
struct FolderFilter {
  std::vector<std::string> only{};    // empty: every folder
  std::vector<std::string> except{};  // stronger than `only`
  bool operator==(const FolderFilter&) const = default;
  bool empty() const { return only.empty() && except.empty(); }
  /// One pattern a line, behind '+' or '-'.
  std::string text() const;
  static FolderFilter parse(std::string_view text);
};

/// A system flag or keyword that can stand in a command (RFC 9051 §9 flag).
bool is_flag(std::string_view name);
/// Not empty, and within one line.
bool is_folder_glob(std::string_view glob);
/// "2024-01-31"; nothing for anything that is no day.
std::optional<std::chrono::sys_days> parse_day(std::string_view text);
/// Octets: "1000", "500k", "25M", "2G" (1024 each).
std::optional<std::uint64_t> parse_octets(std::string_view text);

}  // namespace mxferry
