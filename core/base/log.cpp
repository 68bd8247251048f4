// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/escape.hpp"
#include "base/file_remedy.hpp"

namespace mxferry::log {
namespace {

constexpr std::size_t kRotateAt = 64UL * 1024 * 1024;
constexpr std::size_t kKept = 5;

struct State {
  std::mutex mutex;
  std::shared_ptr<spdlog::logger> logger;
  Level level = Level::info;
  std::optional<Level> overridden;
};
State& state() {
  static State instance;
  return instance;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::trace:
      return "trace";
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "info";
}

}  // namespace

Result<void> open(const std::filesystem::path& file, Level level) {
  // Made by us first, so that it is 0600 under any umask; spdlog then appends.
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    const int cause = errno;
    auto error =
        fail(ErrorCode::io, "open log", file.string() + ": " + std::strerror(cause)).error();
    return fail(std::move(error.with_remedy(remedy_for(cause, file.string()))));
  }
  const int mode = ::fchmod(fd, 0600);
  ::close(fd);
  if (mode != 0) return fail(ErrorCode::io, "open log", file.string() + ": cannot set mode 0600");
  const std::lock_guard lock(state().mutex);
  try {
    spdlog::file_event_handlers private_file;
    private_file.after_open = [](const spdlog::filename_t&, std::FILE* stream) {
      (void)::fchmod(::fileno(stream), 0600);
    };
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file.string(), kRotateAt,
                                                                       kKept, false, private_file);
    auto logger = std::make_shared<spdlog::logger>("mxferry", sink);
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::info);
    state().logger = std::move(logger);
    state().level = state().overridden.value_or(level);
  } catch (const spdlog::spdlog_ex& e) {
    return fail(ErrorCode::io, "open log", e.what());
  }
  return {};
}

void override_level(Level level) {
  const std::lock_guard lock(state().mutex);
  state().overridden = level;
}

std::optional<Level> parse_level(std::string_view text) {
  for (const auto level : {Level::trace, Level::debug, Level::info, Level::warn, Level::error})
    if (name(level) == text) return level;
  return std::nullopt;
}

void close() {
  const std::lock_guard lock(state().mutex);
  if (state().logger) state().logger->flush();
  state().logger.reset();
}

std::string format(Level level, std::string_view event, std::initializer_list<Field> fields,
                   std::string_view timestamp) {
  nlohmann::ordered_json line;
  line["ts"] = timestamp;
  line["level"] = name(level);
  line["event"] = event;
  for (const auto& field : fields) {
    auto& slot = line[std::string(field.key)];
    if (const auto* text = std::get_if<std::string>(&field.value)) {
      slot = escape_line(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      slot = *number;
    } else {
      slot = std::get<bool>(field.value);
    }
  }
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::shared_ptr<spdlog::logger> logger;
  {
    const std::lock_guard lock(state().mutex);
    if (level < state().level) return;
    logger = state().logger;
  }
  if (!logger) return;
  const std::string line = format(level, event, fields, format_instant(SystemClock().now()));
  logger->log(level >= Level::info ? spdlog::level::info : spdlog::level::debug,
              spdlog::string_view_t(line));
}

}  // namespace mxferry::log
