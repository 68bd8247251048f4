// SPDX-License-Identifier: Apache-2.0
#include "pipeline/wait_clock.hpp"

#include <algorithm>

namespace mxferry::pipeline {
namespace {
std::int64_t wall_ms(const Clock& clock) { return clock.now().time_since_epoch().count(); }
}  // namespace

Result<std::optional<WaitClock::Row>> WaitClock::read(const std::string& key) {
  std::optional<Row> out;
  MXF_CHECK(db_.each(
      "SELECT progress, boot_id, boot_at, wall_at FROM wait_clock WHERE key = $1",
      [&](const store::Row& row) {
        out = Row{row.integer(0), row.integer(2), row.integer(3), row.text(1)};
      },
      key));
  return out;
}

Millis WaitClock::open_span(const Row& row) const {
  if (row.boot_id != clock_.boot_id()) return Millis(0);
  const auto boot = clock_.boot_time().count() - row.boot_at;
  const auto wall = wall_ms(clock_) - row.wall_at;
  return Millis(std::max<std::int64_t>(0, std::min(boot, wall)));
}

Result<void> WaitClock::start(const std::string& key) {
  const auto now = wall_ms(clock_);
  return db_.run(
      "INSERT INTO wait_clock(key, started, progress, boot_id, boot_at, wall_at) VALUES($1, $2, 0, "
      "$3, $4, $2) ON CONFLICT(key) DO NOTHING",
      key, now, clock_.boot_id(), clock_.boot_time().count());
}

Result<std::optional<Millis>> WaitClock::progress(const std::string& key) {
  MXF_TRY(row, read(key));
  if (!row) return std::optional<Millis>();
  if (row->boot_id != clock_.boot_id()) MXF_CHECK(checkpoint(key));
  return std::optional(Millis(row->progress) + open_span(*row));
}

Result<void> WaitClock::reset(const std::string& key) {
  return db_.run("DELETE FROM wait_clock WHERE key = $1", key);
}

Result<void> WaitClock::checkpoint(const std::string& key) {
  MXF_TRY(row, read(key));
  if (!row) return {};
  const auto total = Millis(row->progress) + open_span(*row);
  return db_.run(
      "UPDATE wait_clock SET progress = $1, boot_id = $2, boot_at = $3, wall_at = $4 WHERE key = "
      "$5",
      total.count(), clock_.boot_id(), clock_.boot_time().count(), wall_ms(clock_), key);
}

}  // namespace mxferry::pipeline
