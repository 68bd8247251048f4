// SPDX-License-Identifier: Apache-2.0
// RunLoop: the threads and signals of a run: one io_context thread (the caller's), workers for what
// blocks, SIGINT and SIGTERM as a stop that ends within 5 s, SIGHUP and SIGPIPE ignored. Main
// thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <stop_token>

#include "ports/mail_source.hpp"

namespace mxferry::app {

class RunLoop {
 public:
  RunLoop();
  ~RunLoop();
  RunLoop(const RunLoop&) = delete;
  RunLoop& operator=(const RunLoop&) = delete;

  boost::asio::io_context& io() { return io_; }
  boost::asio::thread_pool& workers() { return workers_; }
  std::stop_token token() const { return stop_.get_token(); }
  /// Called once at the first signal, on the loop's thread.
  std::function<void()> on_stop{};

  /// Runs `work` to its end on this thread.
  void run(std::function<Task<void>()> work);

 private:
  void listen();
  boost::asio::io_context io_{1};
  boost::asio::thread_pool workers_{4};
  boost::asio::signal_set signals_;
  boost::asio::steady_timer patience_;
  std::stop_source stop_;
};

}  // namespace mxferry::app
