// SPDX-License-Identifier: Apache-2.0
// Limits of how fast, how much a day and when mail may move. Plain values.
#pragma once

#include <cstdint>
#include <optional>

#include "model/time_window.hpp"

namespace mxferry {

/// Absent: not limited.
struct PaceLimits {
  std::optional<std::uint64_t> octets_per_second{};
  std::optional<std::uint64_t> messages_per_second{};
  std::optional<std::uint64_t> octets_per_day{};  // a day of UTC
  std::optional<TimeWindow> window{};
  bool empty() const {
    return !octets_per_second && !messages_per_second && !octets_per_day && !window;
  }
};

}  // namespace mxferry
