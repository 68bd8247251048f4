// SPDX-License-Identifier: Apache-2.0
// How fast, how much a day, and when a copy may move mail. One Pace is shared by all that it is to
// hold together: the lanes of an account, the accounts of a host. On one executor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "model/pace_limits.hpp"

namespace mxferry::copy {

/// What was moved on the days before now, so that a budget of a day outlasts a process.
class PaceBook {
 public:
  virtual ~PaceBook() = default;
  /// Octets that `who` may have moved on the UTC day `day` ("2024-01-31"); 0 where none is known.
  virtual Result<std::uint64_t> moved(const std::string& who, const std::string& day) = 0;
  virtual Result<void> set_moved(const std::string& who, const std::string& day,
                                 std::uint64_t octets) = 0;
};

class Pace {
 public:
  /// `who` names the account or host, in the book and in messages. `book` and `clock` outlive it;
  /// without a book a day's budget holds for this process.
  Pace(std::string who, PaceLimits limits, const Clock& clock, PaceBook* book)
      : who_(std::move(who)), limits_(std::move(limits)), clock_(clock), book_(book) {}

  /// May so much begin to move? ErrorCode::waiting with retry_after where the window is shut or the
  /// day's budget is used up; else the budget is charged.
  /// `urgent`: the budget is charged and nothing is refused.
  Result<void> allow(std::uint64_t octets, bool urgent);
  /// Charges the rates with what is about to move, and says how long to wait before it does.
  Millis take(std::uint64_t messages, std::uint64_t octets);

  /// What a second may hold; no limit: nothing.
  std::optional<std::uint64_t> batch_octets() const { return limits_.octets_per_second; }
  std::optional<std::uint64_t> batch_messages() const { return limits_.messages_per_second; }

 private:
  Result<void> claim_of_day(std::uint64_t octets, bool urgent);

  std::string who_;
  PaceLimits limits_;
  const Clock& clock_;
  PaceBook* book_;
  Millis free_at_{};  // boot time from which on the rates allow the next batch
  std::string day_;
  std::uint64_t moved_ = 0;    // on day_
  std::uint64_t claimed_ = 0;  // of day_, in the book: at least moved_
};

/// All that hold one account together.
using Paces = std::vector<std::shared_ptr<Pace>>;

}  // namespace mxferry::copy
