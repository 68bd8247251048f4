// SPDX-License-Identifier: Apache-2.0
// How long the copying will take, as an interval. Per account the largest of bytes / throughput,
// messages / rate and bytes / daily budget; the accounts are then scheduled, in their order, over
// as many lanes as run at once, and the whole is never shorter than the line allows. No part of a
// plan's hash. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace mxferry::plan {

struct Load {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

/// A rate per second, and what share of it is reached.
struct Rate {
  double nominal = 0;  // per second
  double least = 0.4, most = 0.8;

  /// What a line or a data sheet promises: 40 to 80 % of it arrive.
  static Rate nominal_of(double per_second) { return {per_second, 0.4, 0.8}; }
  /// What was reached: 85 to 125 % of it will be.
  static Rate measured(double per_second) { return {per_second, 0.85, 1.25}; }
};

struct Speed {
  std::optional<Rate> line{};              // bytes, all accounts together
  std::optional<Rate> account_bytes{};     // bytes of one account
  std::optional<Rate> account_messages{};  // messages of one account
  std::optional<std::uint64_t> account_bytes_per_day{};
  int lanes = 1;  // accounts at once
};

struct Interval {
  Millis least{0}, most{0};
  bool operator==(const Interval&) const = default;
};

/// One account, alone.
Interval estimate(const Load& load, const Speed& speed);
/// All of them.
Interval estimate(const std::vector<Load>& loads, const Speed& speed);

/// What is taken for granted until the pilot has been measured: a line of 100 Mbit/s and 25
/// messages a second for an account.
Speed assumed_speed();

/// A copy as it was measured.
struct Measured {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  Millis took{0};
};
/// The speed that these copies showed, each of one account; nothing where they copied nothing or
/// took no time. Lanes and daily budget are not set.
std::optional<Speed> measured_speed(const std::vector<Measured>& copies);

/// "2 h to 4 h".
std::string print(const Interval& interval);

}  // namespace mxferry::plan
