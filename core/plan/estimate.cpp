// SPDX-License-Identifier: Apache-2.0
#include "plan/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <queue>

namespace mxferry::plan {
namespace {

constexpr double kDay = 24.0 * 3600.0;
// Far beyond any migration; keeps sums inside Millis.
constexpr double kLongest = 1000.0 * 365.0 * kDay;

struct Span {
  double least = 0, most = 0;  // seconds
};

Span at(double amount, const std::optional<Rate>& rate) {
  if (!rate || !(rate->nominal > 0) || amount <= 0) return {};
  return {amount / (rate->nominal * rate->most), amount / (rate->nominal * rate->least)};
}

Span longer(Span a, Span b) { return {std::max(a.least, b.least), std::max(a.most, b.most)}; }

Span account(const Load& load, const Speed& speed) {
  const auto bytes = static_cast<double>(load.bytes);
  Span out = at(bytes, speed.line);
  out = longer(out, at(bytes, speed.account_bytes));
  out = longer(out, at(static_cast<double>(load.messages), speed.account_messages));
  // What fits into one day's budget waits for nothing; else the first day's share comes at once.
  if (speed.account_bytes_per_day && *speed.account_bytes_per_day > 0) {
    const double days = bytes / static_cast<double>(*speed.account_bytes_per_day);
    if (days > 1) out = longer(out, {(days - 1) * kDay, days * kDay});
  }
  return out;
}

// List scheduling: the next account goes to the lane that is free first.
double schedule(const std::vector<double>& jobs, int lanes) {
  std::priority_queue<double, std::vector<double>, std::greater<>> free;
  for (int i = 0; i < std::max(1, lanes); ++i) free.push(0);
  double end = 0;
  for (const double job : jobs) {
    const double until = free.top() + job;
    free.pop();
    free.push(until);
    end = std::max(end, until);
  }
  return end;
}

Interval to_interval(Span span) {
  const auto ms = [](double seconds) {
    return Millis(static_cast<std::int64_t>(std::llround(std::min(seconds, kLongest) * 1000)));
  };
  return {ms(span.least), ms(span.most)};
}

}  // namespace

Interval estimate(const Load& load, const Speed& speed) {
  return to_interval(account(load, speed));
}

Interval estimate(const std::vector<Load>& loads, const Speed& speed) {
  std::vector<double> least;
  std::vector<double> most;
  double bytes = 0;
  for (const auto& load : loads) {
    const auto span = account(load, speed);
    least.push_back(span.least);
    most.push_back(span.most);
    bytes += static_cast<double>(load.bytes);
  }
  const Span lanes{schedule(least, speed.lanes), schedule(most, speed.lanes)};
  return to_interval(longer(lanes, at(bytes, speed.line)));
}

Speed assumed_speed() {
  Speed out;
  out.line = Rate::nominal_of(100e6 / 8);
  out.account_messages = Rate::nominal_of(25);
  return out;
}

std::optional<Speed> measured_speed(const std::vector<Measured>& copies) {
  double seconds = 0;
  double messages = 0;
  double bytes = 0;
  for (const auto& copy : copies) {
    if (copy.messages == 0 || copy.took <= Millis(0)) continue;
    seconds += static_cast<double>(copy.took.count()) / 1000;
    messages += static_cast<double>(copy.messages);
    bytes += static_cast<double>(copy.bytes);
  }
  if (!(seconds > 0)) return std::nullopt;
  Speed out;
  out.account_messages = Rate::measured(messages / seconds);
  if (bytes > 0) out.account_bytes = Rate::measured(bytes / seconds);
  return out;
}

std::string print(const Interval& interval) {
  // To the second, so that an estimate does not look more exact than it is.
  const auto whole = [](Millis d) { return Millis((d.count() + 999) / 1000 * 1000); };
  const auto least = whole(interval.least);
  const auto most = whole(interval.most);
  if (least == most) return format_duration(most);
  return format_duration(least) + " to " + format_duration(most);
}

}  // namespace mxferry::plan
