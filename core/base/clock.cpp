// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>

namespace mxferry {

Instant SystemClock::now() const {
  return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

Millis SystemClock::boot_time() const {
  timespec ts{};
  clock_gettime(CLOCK_BOOTTIME, &ts);
  return Millis(static_cast<std::int64_t>(ts.tv_sec) * 1000 + ts.tv_nsec / 1000000);
}

std::string SystemClock::boot_id() const {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::string format_instant(Instant t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day ymd(day);
  const std::chrono::hh_mm_ss hms(t - day);
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                static_cast<unsigned>(ymd.day()), static_cast<int>(hms.hours().count()),
                static_cast<int>(hms.minutes().count()), static_cast<int>(hms.seconds().count()),
                static_cast<int>(hms.subseconds().count()));
  return buffer.data();
}

bool parse_instant(const std::string& text, Instant& out) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int milli = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour,
                  &minute, &second, &milli, &used) != 7 ||
      static_cast<std::size_t>(used) != text.size()) {
    return false;
  }
  const std::chrono::year_month_day ymd{std::chrono::year(year), std::chrono::month(month),
                                        std::chrono::day(day)};
  if (!ymd.ok() || hour > 23 || minute > 59 || second > 60) return false;
  out = std::chrono::sys_days(ymd) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
        Seconds(second) + Millis(milli);
  return true;
}

std::string format_duration(Millis d) {
  const auto total = std::chrono::duration_cast<Seconds>(d).count();
  const auto two = [](long long a, const char* ua, long long b, const char* ub) {
    std::string out = std::to_string(a) + " " + ua;
    if (b != 0) out += " " + std::to_string(b) + " " + ub;
    return out;
  };
  if (total < 120) return std::to_string(total) + " s";
  if (total < 7200) return two(total / 60, "min", total % 60, "s");
  if (total < 172800) return two(total / 3600, "h", total % 3600 / 60, "min");
  return two(total / 86400, "d", total % 86400 / 3600, "h");
}

}  // namespace mxferry
