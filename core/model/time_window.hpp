// SPDX-License-Identifier: Apache-2.0
// When something may be done: days of the week and times of day, in the civil time of a place.
// Daylight saving is the system's time zone database's (tzdata). Plain values; any thread.
//
//   window = span *( "," span ) [ ZONE ]     "Mon-Fri 20:00-06:00, Sat-Sun 00:00-24:00
//   Europe/Berlin" span   = days HH:MM "-" HH:MM            an end that is not after its beginning
//   is on the next day days   = "daily" | Mon[-Sun]             Mon Tue Wed Thu Fri Sat Sun ZONE =
//   an IANA name; UTC where it is left out
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace mxferry {

class TimeWindow {
 public:
  /// ErrorCode::config with the part that cannot be read; a zone that this system does not know is
  /// such a part too.
  static Result<TimeWindow> parse(std::string_view text);

  /// The first moment, not before `t`, that lies within: `t` itself where it does.
  Instant opens(Instant t) const;
  bool contains(Instant t) const { return opens(t) == t; }
  /// As it was written.
  const std::string& text() const { return text_; }

 private:
  struct Span {
    std::array<bool, 7> days{};  // by std::chrono::weekday::c_encoding: Sunday is 0
    std::chrono::minutes from{};
    std::chrono::minutes to{};  // above 24 h: on the next day
  };
  static Result<Span> parse_span(std::string_view text);

  std::vector<Span> spans_;
  std::string zone_ = "UTC";
  std::string text_;
};

}  // namespace mxferry
