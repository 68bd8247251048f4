// SPDX-License-Identifier: Apache-2.0
// WaitClock: how much of a wait has passed, durably. Progress is the sum over boots of
// CLOCK_BOOTTIME, capped by what the wall clock moved; time while the machine was off counts
// nothing, and a clock step opens nothing early. A wait can be restarted (a name server relapsed).
// The thread of the run only.
//
//   row: started (wall), progress (of closed spans), boot_id + boot_at + wall_at of the open span
//   progress now = progress + (same boot ? min(boot now - boot_at, wall now - wall_at) : 0)
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "store/db.hpp"

namespace mxferry::pipeline {

class WaitClock {
 public:
  WaitClock(store::Db& db, const Clock& clock) : db_(db), clock_(clock) {}

  /// Starts the wait if it has not been started; keeps it otherwise.
  Result<void> start(const std::string& key);
  /// What has passed; nothing where the wait has not been started. Opens a new span after a boot.
  Result<std::optional<Millis>> progress(const std::string& key);
  /// Forgets the wait: it counts from nothing again.
  Result<void> reset(const std::string& key);
  /// Writes the progress down; to be called every minute of a wait, so that a reboot loses at most
  /// that.
  Result<void> checkpoint(const std::string& key);

 private:
  struct Row {
    std::int64_t progress = 0, boot_at = 0, wall_at = 0;
    std::string boot_id;
  };
  Result<std::optional<Row>> read(const std::string& key);
  Millis open_span(const Row& row) const;
  store::Db& db_;
  const Clock& clock_;
};

}  // namespace mxferry::pipeline
