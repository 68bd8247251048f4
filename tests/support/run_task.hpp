// SPDX-License-Identifier: Apache-2.0
// run_task: runs one awaitable to its end on an io_context of its own and gives what it returned.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

namespace mxferry::test {

template <class T>
boost::asio::awaitable<void> keep_result(boost::asio::awaitable<T> work, std::optional<T>& out) {
  auto result = co_await std::move(work);
  out.emplace(std::move(result));
}

template <class T>
T run_task(boost::asio::awaitable<T> work) {
  boost::asio::io_context io;
  std::optional<T> out;
  boost::asio::co_spawn(io, keep_result(std::move(work), out), [&](std::exception_ptr broken) {
    if (broken) std::rethrow_exception(broken);
    // What was left running beside it (closed connections) ends now, not at a deadline of its own.
    io.stop();
  });
  io.run();
  return std::move(*out);
}

}  // namespace mxferry::test
