// SPDX-License-Identifier: Apache-2.0
// Clock: the one place time comes from. Wall time for what people and protocols see, boot time
// (CLOCK_BOOTTIME: counts suspend, never steps) for waits, and the boot id that says which boot a
// boot time belongs to. Implementations are thread-safe. Tests use ManualClock.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

namespace mxferry {

using Instant = std::chrono::sys_time<std::chrono::milliseconds>;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;          // UTC
  virtual Millis boot_time() const = 0;     // since boot, monotonic
  virtual std::string boot_id() const = 0;  // /proc/sys/kernel/random/boot_id
};

class SystemClock final : public Clock {
 public:
  Instant now() const override;
  Millis boot_time() const override;
  std::string boot_id() const override;
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(Instant start) : now_(start) {}
  Instant now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  Millis boot_time() const override {
    const std::lock_guard lock(mutex_);
    return boot_;
  }
  std::string boot_id() const override {
    const std::lock_guard lock(mutex_);
    return boot_id_;
  }
  /// Time passes: wall and boot time move together.
  void advance(Millis by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
    boot_ += by;
  }
  /// The wall clock is set; boot time does not move.
  void step_wall(Millis by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }
  /// The machine was off for `off`: a new boot id, boot time starts again.
  void reboot(std::string id, Millis off) {
    const std::lock_guard lock(mutex_);
    boot_id_ = std::move(id);
    boot_ = Millis(0);
    now_ += off;
  }

 private:
  mutable std::mutex mutex_;
  Instant now_;
  Millis boot_{1000};
  std::string boot_id_ = "boot-1";
};

/// RFC 3339 in UTC with milliseconds: 2026-11-24T10:17:30.000Z.
std::string format_instant(Instant t);
/// The inverse of format_instant; nothing for any other spelling.
bool parse_instant(const std::string& text, Instant& out);
/// "90 s", "5 min 3 s", "2 h 10 min", "3 d 4 h": for people.
std::string format_duration(Millis d);

}  // namespace mxferry
