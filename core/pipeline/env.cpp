// SPDX-License-Identifier: Apache-2.0
#include "pipeline/env.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>

namespace mxferry::pipeline {
namespace {
constexpr auto kSlice = Millis(250);  // how soon a stop or a pause is seen
constexpr auto kCheckpoint = Millis(60'000);
}  // namespace

StepEnd StepEnd::failed(Error error) {
  StepEnd end;
  end.why = error.message();
  end.remedy = error.remedy;
  switch (error.code) {
    case ErrorCode::cancelled:
      end.kind = Kind::stopped;
      break;
    case ErrorCode::gate:
    case ErrorCode::conflict:
      end.kind = Kind::held;
      break;
    default:
      end.kind = Kind::failed;
  }
  end.error = std::move(error);
  return end;
}

StepEnd end_of(Waited waited, Instant t, std::string why) {
  return waited == Waited::stopped ? StepEnd::stopped() : StepEnd::waiting(t, std::move(why));
}

Task<bool> nap(Env& env, Millis time, bool through_pause) {
  boost::asio::steady_timer timer(env.main);
  auto left = time;
  while (left > Millis(0) || (env.paused && !through_pause)) {
    if (env.stop.stop_requested()) co_return false;
    // A run that may not wait does not wait for a person either.
    if (env.paused && !through_pause && env.no_wait) co_return false;
    const auto most = env.pass_time ? left : kSlice;
    const auto slice = left > Millis(0) ? std::min(left, most) : kSlice;
    if (env.pass_time) env.pass_time(slice);
    timer.expires_after(env.pass_time ? Millis(0) : slice);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    left -= slice;
  }
  co_return !env.stop.stop_requested();
}

Task<Waited> wait_until(Env& env, const Step& step, Instant t, std::string why) {
  if (env.clock.now() >= t) co_return Waited::go_on;
  // Waits are re-read from their durable clock by the caller; this one only passes the time.
  if (auto written = env.store.set_step(step.id, StepStatus::waiting, why, t); !written)
    env.watcher.note(written.error().message());
  env.watcher.step(step, StepStatus::waiting, why + "; not before " + format_instant(t));
  if (env.no_wait) co_return Waited::would_wait;
  auto left = std::min(std::chrono::duration_cast<Millis>(t - env.clock.now()), kCheckpoint);
  // What waits only looks: a relapse during a pause must be seen.
  const bool slept = co_await nap(env, left, true);
  co_return slept ? Waited::go_on : Waited::stopped;
}

Task<Slots::Held> Slots::take() {
  while (free_ <= 0) co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  --free_;
  co_return Held(this);
}

}  // namespace mxferry::pipeline
