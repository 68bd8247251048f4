// SPDX-License-Identifier: Apache-2.0
#include "copy/pace.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mxferry::copy {
namespace {

// A claim is written before what it covers moves: after a crash a day's count may be too high by
// one, never too low.
constexpr std::uint64_t kLeastClaim = std::uint64_t{16} << 20;

std::string day_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  const auto two = [](unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return std::to_string(static_cast<int>(date.year())) + "-" +
         two(static_cast<unsigned>(date.month())) + "-" + two(static_cast<unsigned>(date.day()));
}

Error not_before(Instant now, Instant when, std::string text) {
  Error error;
  error.code = ErrorCode::waiting;
  error.operation = "copy";
  error.text = std::move(text);
  error.retry = Retry::later;
  error.retry_after = when - now;
  return error;
}

}  // namespace

Result<void> Pace::claim_of_day(std::uint64_t octets, bool urgent) {
  const Instant now = clock_.now();
  const auto today = std::chrono::floor<std::chrono::days>(now);
  if (const auto day = day_text(today); day != day_) {
    std::uint64_t before = 0;
    if (book_ != nullptr) {
      MXF_TRY(known, book_->moved(who_, day));
      before = known;
    }
    day_ = day;
    moved_ = claimed_ = before;
  }
  const auto most = *limits_.octets_per_day;
  // A message larger than a whole day's budget has a day of its own, else it would never move.
  if (!urgent && moved_ > 0 && moved_ + octets > most)
    return fail(not_before(now, Instant(today + std::chrono::days(1)),
                           who_ + ": the budget of " + std::to_string(most) +
                               " octets a day is used up until 00:00 UTC"));
  moved_ += octets;
  if (moved_ <= claimed_) return {};
  claimed_ = std::max(moved_, std::min(most, moved_ + std::max(kLeastClaim, most / 100)));
  if (book_ != nullptr) return book_->set_moved(who_, day_, claimed_);
  return {};
}

Result<void> Pace::allow(std::uint64_t octets, bool urgent) {
  if (limits_.window && !urgent) {
    const Instant now = clock_.now();
    if (const auto opens = limits_.window->opens(now); opens > now)
      return fail(not_before(now, opens,
                             who_ + ": outside of its window (" + limits_.window->text() + ")"));
  }
  if (limits_.octets_per_day) return claim_of_day(octets, urgent);
  return {};
}

Millis Pace::take(std::uint64_t messages, std::uint64_t octets) {
  const Millis now = clock_.boot_time();
  const auto wait = std::max(Millis(0), free_at_ - now);
  const auto takes = [](std::uint64_t amount, const std::optional<std::uint64_t>& a_second) {
    return a_second ? Millis(amount * 1000 / *a_second) : Millis(0);
  };
  free_at_ = std::max(free_at_, now) + std::max(takes(octets, limits_.octets_per_second),
                                                takes(messages, limits_.messages_per_second));
  return wait;
}

}  // namespace mxferry::copy
