// SPDX-License-Identifier: Apache-2.0
#include "config/copy_settings.hpp"

#include "base/escape.hpp"

namespace mxferry::config {

void read_copy(Section section, CopySettings& copy) {
  const auto text_as = [&](const char* key, const char* expected, const auto& parse, auto& into) {
    const auto* found = section.node(key);
    if (found == nullptr) return;
    const auto value = found->value_exact<std::string>();
    if (value) into = parse(*value);
    if (!into) section.wrong(*found, key, expected);
  };
  text_as("since", "a day such as \"2024-01-31\"", parse_day, copy.messages.since);
  text_as("before", "a day such as \"2024-01-31\"", parse_day, copy.messages.before);
  text_as("min_size", "octets such as \"1000\", \"500k\" or \"25M\"", parse_octets,
          copy.messages.min_size);
  text_as("max_size", "octets such as \"1000\", \"500k\" or \"25M\"", parse_octets,
          copy.messages.max_size);
  const auto flags = [&](const char* key, imap::Flags& into) {
    std::vector<std::string> names;
    section.texts(key, names);
    for (const auto& name : names) {
      if (!is_flag(name))
        section.problems().add(
            section.node(key)->source(),
            section.path(key) + ": \"" + escape_line(name) + "\" is no flag or keyword");
      into.add(name);
    }
  };
  flags("with_flags", copy.messages.with);
  flags("without_flags", copy.messages.without);
  const auto globs = [&](const char* key, std::vector<std::string>& into) {
    section.texts(key, into);
    for (const auto& glob : into)
      if (!is_folder_glob(glob))
        section.problems().add(section.node(key)->source(),
                               section.path(key) + ": an empty name, or one with a line break");
  };
  globs("folders", copy.folders.only);
  globs("exclude_folders", copy.folders.except);
  section.flag("newest_first", copy.newest_first);
  std::optional<std::uint64_t> large;
  text_as("large_mailbox", "octets such as \"10G\"", parse_octets, large);
  if (large) copy.large_mailbox = *large;
  read_limits(Section(section.table("limits"), section.path("limits"), section.problems()),
              copy.limits);
  std::string map;
  section.text("map", map);
  copy.map_file = map;
  std::string window;
  section.text("window", window);
  if (window.empty()) return;
  auto parsed = TimeWindow::parse(window);
  if (parsed) {
    copy.limits.window = *std::move(parsed);
  } else {
    section.problems().add(section.node("window")->source(),
                           section.path("window") + ": " + parsed.error().text);
  }
}

void read_limits(Section section, PaceLimits& limits) {
  const auto octets = [&](const char* key, std::optional<std::uint64_t>& into) {
    const auto* found = section.node(key);
    if (found == nullptr) return;
    const auto value = found->value_exact<std::string>();
    if (value) into = parse_octets(*value);
    if (!into || *into == 0) section.wrong(*found, key, "octets such as \"500k\" or \"2G\"");
  };
  octets("max_rate", limits.octets_per_second);
  octets("daily_budget", limits.octets_per_day);
  std::uint64_t messages = 0;
  section.number("max_messages_rate", messages, 1, 1'000'000);
  if (messages > 0) limits.messages_per_second = messages;
}

}  // namespace mxferry::config
