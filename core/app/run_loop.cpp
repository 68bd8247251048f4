// SPDX-License-Identifier: Apache-2.0
#include "app/run_loop.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "app/command.hpp"
#include "base/log.hpp"

namespace mxferry::app {
namespace {

// What is under way is durable or will be looked up: after this long the process may end where it
// stands.
constexpr auto kPatience = std::chrono::milliseconds(4500);

Task<void> call(std::function<Task<void>()> work) { co_await work(); }

}  // namespace

RunLoop::RunLoop() : signals_(io_, SIGINT, SIGTERM), patience_(io_) {
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  listen();
}

RunLoop::~RunLoop() { workers_.join(); }

void RunLoop::listen() {
  signals_.async_wait([this](boost::system::error_code ec, int signal) {
    if (ec) return;
    log::write(log::Level::info, "signal", {{"signal", signal}});
    stop_.request_stop();
    if (on_stop) on_stop();
    patience_.expires_after(kPatience);
    patience_.async_wait([](boost::system::error_code late) {
      if (late) return;
      log::close();
      ::_exit(static_cast<int>(Exit::interrupted));
    });
  });
}

void RunLoop::run(std::function<Task<void>()> work) {
  boost::asio::co_spawn(io_, call(std::move(work)), [this](std::exception_ptr failed) {
    signals_.cancel();
    patience_.cancel();
    io_.stop();
    if (failed) std::rethrow_exception(failed);
  });
  io_.run();
}

}  // namespace mxferry::app
