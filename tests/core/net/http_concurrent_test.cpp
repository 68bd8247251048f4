// SPDX-License-Identifier: Apache-2.0
// Clients side by side, one object a thread, and cancelled from another thread.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "net/http.hpp"
#include "support/http_server.hpp"

namespace mxferry::net {
namespace {

using test::HttpServer;
using test::ServedRequest;
using test::ServedResponse;

TEST(HttpConcurrent, ClientsWorkSideBySideWhileOthersAreCancelled) {
  HttpServer server([](const ServedRequest& request) {
    ServedResponse out;
    out.hang = request.target.starts_with("/hang");
    out.body = request.target;
    return out;
  });
  std::atomic<int> good = 0;
  std::atomic<int> cancelled = 0;
  std::stop_source stop;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      HttpClient client({}, {});
      HttpRequest request;
      request.url = server.url("/hang");
      const auto answer = client.send(request, stop.get_token());
      if (!answer && answer.error().code == ErrorCode::cancelled) ++cancelled;
    });
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      HttpClient client({}, {});
      for (int i = 0; i < 20; ++i) {
        HttpRequest request;
        request.url = server.url("/" + std::to_string(t) + "/" + std::to_string(i));
        const auto answer = client.send(request, {});
        if (answer && answer->body == "/" + std::to_string(t) + "/" + std::to_string(i)) ++good;
      }
    });
  server.wait_for_requests(2 + 80);
  const auto before = std::chrono::steady_clock::now();
  stop.request_stop();
  threads.clear();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
  EXPECT_EQ(good, 80);
  EXPECT_EQ(cancelled, 2);
}

// The stop may come before, while, or after the transfer is set up.
TEST(HttpConcurrent, AStopAtAnyMomentEndsIt) {
  HttpServer server([](const ServedRequest&) {
    ServedResponse out;
    out.hang = true;
    return out;
  });
  for (int i = 0; i < 30; ++i) {
    std::stop_source stop;
    std::jthread sender([&] {
      HttpClient client({}, {});
      HttpRequest request;
      request.url = server.url("/");
      const auto answer = client.send(request, stop.get_token());
      EXPECT_FALSE(answer);
      if (!answer) {
        EXPECT_EQ(answer.error().code, ErrorCode::cancelled);
      }
    });
    for (int spin = 0; spin < i * 200; ++spin) std::this_thread::yield();
    stop.request_stop();
  }
}

}  // namespace
}  // namespace mxferry::net
