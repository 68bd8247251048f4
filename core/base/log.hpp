// SPDX-License-Identifier: Apache-2.0
// The log: JSON lines with a stable event name and fields, to a rotated file (64 MiB) and, for
// words to the operator, nothing here: stderr belongs to app. No secret, no message content, no
// third party's address may be a field. Any thread. spdlog lives in log.cpp alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"

namespace mxferry::log {

enum class Level { trace, debug, info, warn, error };

struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  template <class Int>
  requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>) Field(std::string_view k, Int v)
      : key(k), value(static_cast<std::int64_t>(v)) {}
  std::string_view key;
  std::variant<std::string, std::int64_t, bool> value;
};

/// Starts logging to `file` (created 0600, rotated at 64 MiB, 5 kept). Without open() events are
/// dropped.
Result<void> open(const std::filesystem::path& file, Level level);
/// The level of every open() that follows, whatever it is told: `mxferry --log-level trace`.
void override_level(Level level);
/// "trace", "debug", "info", "warn" or "error".
std::optional<Level> parse_level(std::string_view name);
/// Flushes and closes; events after it are dropped.
void close();
/// One line: {"ts":…,"level":…,"event":event,…fields}. Strings are escaped; they may hold any
/// bytes.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});
/// The line that write() would log, without the newline; for tests.
std::string format(Level level, std::string_view event, std::initializer_list<Field> fields,
                   std::string_view timestamp);

}  // namespace mxferry::log
