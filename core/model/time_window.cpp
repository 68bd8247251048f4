// SPDX-License-Identifier: Apache-2.0
#include "model/time_window.hpp"

#include <date/tz.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

#include "base/escape.hpp"

namespace mxferry {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Unexpected<Error> wrong(std::string_view part, const char* expected) {
  return fail(ErrorCode::config, "time window",
              "\"" + escape_line(part) + "\": expected " + expected);
}

std::optional<std::size_t> day_of(std::string_view text) {
  const auto* const found = std::find(kDays.begin(), kDays.end(), text);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kDays.begin());
}

// "HH:MM", 00:00 to 24:00.
std::optional<minutes> time_of(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto number = [&](std::size_t at) -> std::optional<int> {
    int out = 0;
    const char* const first = text.data() + at;
    const auto [end, problem] = std::from_chars(first, first + 2, out);
    if (problem != std::errc() || end != first + 2 || out < 0) return std::nullopt;
    return out;
  };
  const auto hour = number(0);
  const auto minute = number(3);
  if (!hour || !minute || *minute > 59) return std::nullopt;
  const auto out = hours(*hour) + minutes(*minute);
  if (out > hours(24)) return std::nullopt;
  return out;
}

const date::time_zone* zone_named(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

}  // namespace

Result<TimeWindow::Span> TimeWindow::parse_span(std::string_view text) {
  Span out;
  const auto blank = text.find(' ');
  if (blank == text.npos) return wrong(text, "days and times such as \"Mon-Fri 20:00-06:00\"");
  const auto named = text.substr(0, blank);
  const auto times = trimmed(text.substr(blank));
  if (named == "daily") {
    out.days.fill(true);
  } else {
    const auto dash = named.find('-');
    const auto first = day_of(named.substr(0, dash));
    const auto last = dash == named.npos ? first : day_of(named.substr(dash + 1));
    if (!first || !last) return wrong(named, "\"daily\" or days such as \"Sat\" or \"Mon-Fri\"");
    for (auto day = *first;; day = (day + 1) % 7) {
      out.days[day] = true;
      if (day == *last) break;
    }
  }
  const auto dash = times.find('-');
  const auto from = time_of(trimmed(times.substr(0, dash)));
  const auto to = dash == times.npos ? std::nullopt : time_of(trimmed(times.substr(dash + 1)));
  if (!from || !to || *from == hours(24) || *from == *to)
    return wrong(times, "two times of day such as \"20:00-06:00\"");
  out.from = *from;
  out.to = *to > *from ? *to : *to + hours(24);
  return out;
}

Result<TimeWindow> TimeWindow::parse(std::string_view text) {
  TimeWindow out;
  out.text_ = trimmed(text);
  auto rest = trimmed(text);
  // The zone is the last word, where that is no time.
  if (const auto blank = rest.rfind(' '); blank != rest.npos) {
    const auto last = rest.substr(blank + 1);
    if (!last.empty() && (last.front() < '0' || last.front() > '9')) {
      out.zone_ = last;
      rest = trimmed(rest.substr(0, blank));
      if (zone_named(out.zone_) == nullptr)
        return wrong(last, "a time zone of this system's database, such as \"Europe/Berlin\"");
    }
  }
  while (true) {
    const auto comma = rest.find(',');
    MXF_TRY(span, parse_span(trimmed(rest.substr(0, comma))));
    out.spans_.push_back(span);
    if (comma == rest.npos) return out;
    rest.remove_prefix(comma + 1);
  }
}

Instant TimeWindow::opens(Instant t) const {
  const auto* const zone = zone_named(zone_);
  if (zone == nullptr) return t;  // it was there when the window was read
  // A time that the clocks skip is the moment of the skip; of one that comes twice, a beginning is
  // the first and an end the second.
  const auto instant = [&](date::local_time<minutes> local, date::choose choice) {
    return Instant(zone->to_sys(local, choice).time_since_epoch());
  };
  const auto today = date::floor<date::days>(zone->to_local(t));
  auto best = Instant::max();
  // A span begins within a week; what lasts until now may have begun yesterday.
  for (int ahead = -1; ahead <= 8; ++ahead) {
    const auto day = today + date::days(ahead);
    const auto number = date::weekday(day).c_encoding();
    for (const auto& span : spans_) {
      if (!span.days[number]) continue;
      const auto begins = instant(day + span.from, date::choose::earliest);
      const auto ends = instant(day + span.to, date::choose::latest);
      if (begins <= t && t < ends) return t;
      if (begins > t) best = std::min(best, begins);
    }
  }
  return best;
}

}  // namespace mxferry
