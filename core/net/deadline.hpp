// SPDX-License-Identifier: Apache-2.0
// Deadline: closes something when time is up, unless it is disarmed or dies first. For steps that
// have one end: connect, handshake, greeting. Lives on its executor's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace mxferry::net {

class Deadline {
 public:
  Deadline(const boost::asio::any_io_executor& executor, std::chrono::milliseconds after,
           std::function<void()> on_expiry)
      : state_(std::make_shared<State>(executor)) {
    state_->on_expiry = std::move(on_expiry);
    state_->timer.expires_after(after);
    state_->timer.async_wait([state = state_](boost::system::error_code error) {
      if (error || !state->on_expiry) return;
      state->expired = true;
      state->on_expiry();
    });
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { disarm(); }

  void disarm() {
    state_->on_expiry = nullptr;
    state_->timer.cancel();
  }
  bool expired() const { return state_->expired; }

 private:
  struct State {
    explicit State(const boost::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    std::function<void()> on_expiry;
    bool expired = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace mxferry::net
