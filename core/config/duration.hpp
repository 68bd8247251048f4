// SPDX-License-Identifier: Apache-2.0
// Durations as people write them: "90s", "15m", "2h", "7d", also joined ("1h30m"). Pure, any
// thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace mxferry::config {

/// Nothing where the text is no duration, is empty, or exceeds ten years.
std::optional<Millis> parse_duration(std::string_view text);

}  // namespace mxferry::config
