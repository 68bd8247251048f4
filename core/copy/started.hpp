// SPDX-License-Identifier: Apache-2.0
// Started<T>: an operation that runs beside its starter on the same executor and is awaited later,
// exactly once, also on the starter's error paths: what it works with must outlive it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "ports/mail_source.hpp"

namespace mxferry::copy {

template <class T>
class Started {
 public:
  Started() = default;
  Started(const boost::asio::any_io_executor& executor, Task<Result<T>> work)
      : state_(std::make_shared<State>(executor)) {
    boost::asio::co_spawn(executor, run(state_, std::move(work)), boost::asio::detached);
  }
  bool valid() const { return state_ != nullptr; }
  Task<Result<T>> get() {
    const auto state = std::exchange(state_, nullptr);
    while (!state->result)
      (void)co_await state->done.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    Result<T> out = std::move(*state->result);
    co_return out;
  }

 private:
  struct State {
    explicit State(const boost::asio::any_io_executor& executor)
        : done(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer done;
    std::optional<Result<T>> result;
  };
  static Task<void> run(std::shared_ptr<State> state, Task<Result<T>> work) {
    auto result = co_await std::move(work);
    state->result = std::move(result);
    state->done.cancel();
  }
  std::shared_ptr<State> state_;
};

}  // namespace mxferry::copy
