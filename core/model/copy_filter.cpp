// SPDX-License-Identifier: Apache-2.0
#include "model/copy_filter.hpp"

#include <charconv>
#include <cstdio>
#include <limits>

namespace mxferry {
namespace {

template <class Number>
bool whole_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string day_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  char out[32];
  std::snprintf(out, sizeof out, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return out;
}

}  // namespace

bool MessageFilter::passes(const MessageInfo& message) const {
  if (message.date) {
    if (since && message.date->instant < *since) return false;
    if (before && message.date->instant >= *before) return false;
  }
  if (min_size && message.size < *min_size) return false;
  if (max_size && message.size > *max_size) return false;
  for (const auto& flag : with.names())
    if (!message.flags.contains(flag)) return false;
  for (const auto& flag : without.names())
    if (message.flags.contains(flag)) return false;
  return true;
}

std::string MessageFilter::text() const {
  std::string out;
  const auto say = [&](const char* key, const std::string& value) {
    out += (out.empty() ? "" : " ") + std::string(key) + "=" + value;
  };
  if (since) say("since", day_text(*since));
  if (before) say("before", day_text(*before));
  if (min_size) say("min-size", std::to_string(*min_size));
  if (max_size) say("max-size", std::to_string(*max_size));
  for (const auto& flag : with.names()) say("with", flag);
  for (const auto& flag : without.names()) say("without", flag);
  return out;
}

Result<MessageFilter> MessageFilter::parse(std::string_view text) {
  const auto bad = [] {
    return fail(ErrorCode::store, "read filter",
                "the state names a filter that this version does not know");
  };
  MessageFilter out;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) return bad();
    const auto key = word.substr(0, equals);
    const auto value = word.substr(equals + 1);
    std::uint64_t number = 0;
    if (key == "since" || key == "before") {
      const auto day = parse_day(value);
      if (!day) return bad();
      (key == "since" ? out.since : out.before) = day;
    } else if (key == "min-size" || key == "max-size") {
      if (!whole_number(value, number)) return bad();
      (key == "min-size" ? out.min_size : out.max_size) = number;
    } else if (key == "with" || key == "without") {
      if (value.empty()) return bad();
      (key == "with" ? out.with : out.without).add(value);
    } else {
      return bad();
    }
  }
  return out;
}

std::string FolderFilter::text() const {
  std::string out;
  for (const auto& pattern : only) out += "+" + pattern + "\n";
  for (const auto& pattern : except) out += "-" + pattern + "\n";
  return out;
}

FolderFilter FolderFilter::parse(std::string_view text) {
  FolderFilter out;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with('+')) out.only.emplace_back(line.substr(1));
    if (line.starts_with('-')) out.except.emplace_back(line.substr(1));
  }
  return out;
}

bool is_flag(std::string_view name) {
  if (name.starts_with('\\')) name.remove_prefix(1);
  if (name.empty()) return false;
  for (const char c : name)
    if (c <= ' ' || c >= '\x7f' || std::string_view("(){%*\"\\]").find(c) != std::string_view::npos)
      return false;
  return true;
}

bool is_folder_glob(std::string_view glob) {
  return !glob.empty() && glob.find_first_of("\r\n") == std::string_view::npos;
}

std::optional<std::chrono::sys_days> parse_day(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' ||
      !whole_number(text.substr(0, 4), year) || !whole_number(text.substr(5, 2), month) ||
      !whole_number(text.substr(8, 2), day) || year < 1)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<std::uint64_t> parse_octets(std::string_view text) {
  unsigned shift = 0;
  if (text.ends_with('k') || text.ends_with('K')) shift = 10;
  if (text.ends_with('M')) shift = 20;
  if (text.ends_with('G')) shift = 30;
  if (shift > 0) text.remove_suffix(1);
  std::uint64_t number = 0;
  if (!whole_number(text, number) || number > (std::numeric_limits<std::uint64_t>::max() >> shift))
    return std::nullopt;
  return number << shift;
}

}  // namespace mxferry
