// SPDX-License-Identifier: Apache-2.0
// duration = 1*( 1*DIGIT unit ); unit = "ms" / "s" / "m" / "h" / "d" / "w"
#include "config/duration.hpp"

#include <cctype>

namespace mxferry::config {

std::optional<Millis> parse_duration(std::string_view text) {
  constexpr std::int64_t kMost = 3650LL * 86400 * 1000;
  std::int64_t total = 0;
  std::size_t at = 0;
  if (text.empty()) return std::nullopt;
  while (at < text.size()) {
    std::int64_t number = 0;
    const std::size_t start = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
      number = number * 10 + (text[at++] - '0');
      if (number > kMost) return std::nullopt;
    }
    if (at == start) return std::nullopt;
    std::size_t end = at;
    while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0) ++end;
    const auto unit = text.substr(at, end - at);
    std::int64_t scale = 0;
    if (unit == "ms") scale = 1;
    if (unit == "s") scale = 1000;
    if (unit == "m" || unit == "min") scale = 60000;
    if (unit == "h") scale = 3600000;
    if (unit == "d") scale = 86400000;
    if (unit == "w") scale = 7 * 86400000LL;
    if (scale == 0 || number > kMost / scale) return std::nullopt;
    total += number * scale;
    if (total > kMost) return std::nullopt;
    at = end;
  }
  return Millis(total);
}

}  // namespace mxferry::config
