// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/internal_date.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "protocol/imap/flags.hpp"

namespace mxferry::imap {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool take_number(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits) return false;
  out = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

// `digits` of them, with zeros in front; more where the number has more, as of a year that
// is_sayable() refuses.
void add_number(std::string& out, std::int64_t number, std::size_t digits) {
  const auto text = std::to_string(number);
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out += text;
}

// 1 to 12; 0: no month has this name.
unsigned month_of(std::string_view name) {
  for (unsigned i = 0; i < kMonths.size(); ++i)
    if (equals_ignoring_case(name, kMonths[i])) return i + 1;
  return 0;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<InternalDate> parse_internal_date(std::string_view text) {
  using namespace std::chrono;
  int d = 0;
  int y = 0;
  int h = 0;
  int m = 0;
  int s = 0;
  int zh = 0;
  int zm = 0;
  take(text, ' ');
  const bool two = text.size() > 1 && text[1] != '-';
  if (!take_number(text, two ? 2 : 1, d) || !take(text, '-') || text.size() < 3)
    return std::nullopt;
  const unsigned month_number = month_of(text.substr(0, 3));
  text.remove_prefix(3);
  if (month_number == 0 || !take(text, '-') || !take_number(text, 4, y) || !take(text, ' ') ||
      !take_number(text, 2, h) || !take(text, ':') || !take_number(text, 2, m) ||
      !take(text, ':') || !take_number(text, 2, s) || !take(text, ' '))
    return std::nullopt;
  const bool minus = !text.empty() && text.front() == '-';
  if (!take(text, '-') && !take(text, '+')) return std::nullopt;
  if (!take_number(text, 2, zh) || !take_number(text, 2, zm) || !text.empty()) return std::nullopt;
  const year_month_day date{year(y), month(month_number), day(static_cast<unsigned>(d))};
  if (!date.ok() || h > 23 || m > 59 || s > 60 || zm > 59) return std::nullopt;
  InternalDate out;
  out.zone = minutes(minus ? -(zh * 60 + zm) : zh * 60 + zm);
  out.instant = sys_days(date) + hours(h) + minutes(m) + seconds(s) - out.zone;
  return out;
}

bool is_sayable(const InternalDate& date) {
  using namespace std::chrono;
  constexpr sys_seconds kFirst = sys_days(year(0) / January / 1);
  constexpr sys_seconds kEnd = sys_days(year(10000) / January / 1);
  if (date.zone <= -hours(100) || date.zone >= hours(100)) return false;
  if (date.instant < kFirst - hours(100) || date.instant > kEnd + hours(100)) return false;
  const auto local = date.instant + date.zone;
  return local >= kFirst && local < kEnd;
}

std::string format_internal_date(const InternalDate& date) {
  using namespace std::chrono;
  const auto local = date.instant + date.zone;
  const auto midnight = floor<days>(local);
  const year_month_day ymd(midnight);
  const hh_mm_ss time(local - midnight);
  const auto zone = std::abs(date.zone.count());
  std::string out;
  out.reserve(26);
  const auto day = static_cast<unsigned>(ymd.day());
  if (day < 10) out += ' ';
  add_number(out, day, day < 10 ? 1 : 2);
  out += '-';
  out += kMonths.at(static_cast<unsigned>(ymd.month()) - 1);
  out += '-';
  add_number(out, static_cast<int>(ymd.year()), 4);
  out += ' ';
  add_number(out, time.hours().count(), 2);
  out += ':';
  add_number(out, time.minutes().count(), 2);
  out += ':';
  add_number(out, time.seconds().count(), 2);
  out += date.zone.count() < 0 ? " -" : " +";
  add_number(out, zone / 60, 2);
  add_number(out, zone % 60, 2);
  return out;
}

}  // namespace mxferry::imap
