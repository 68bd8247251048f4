// SPDX-License-Identifier: Apache-2.0
// Several adapters of one plugin at work at the same time: an object belongs to one thread at a
// time, the library to all of them.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "plugin/registry.hpp"
#include "support/http_server.hpp"

namespace mxferry::plugin {
namespace {

using test::HttpServer;
using test::ServedRequest;
using test::ServedResponse;

TEST(AdaptersConcurrent, OpenReadAndCloseInParallel) {
  HttpServer server([](const ServedRequest& request) {
    ServedResponse out;
    // The key tells which adapter asks; the record gives it back.
    out.body =
        R"({"name":"alpha.test.","kind":"Native","serial":1,"rrsets":[{"name":"alpha.test.",)"
        R"("type":"TXT","ttl":60,"records":[{"content":"\")" +
        request.headers.at("x-api-key") + R"(\"","disabled":false}]}]})";
    return out;
  });
  const auto registry =
      Registry::scan({std::filesystem::path(MXF_BINARY_DIR) / "lib/mxferry/plugins"});
  std::atomic<int> good = 0;
  constexpr int kThreads = 6;
  constexpr int kRounds = 5;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (int round = 0; round < kRounds; ++round) {
          // Shorter than what redaction looks for, so that the record comes back as it is.
          const std::string key = "k" + std::to_string(t);
          auto api =
              registry.open_dns("powerdns", {{"url", server.url("")}}, {{"api_key", Secret(key)}});
          if (!api) {
            ADD_FAILURE() << api.error().message();
            return;
          }
          const auto zone = (*api)->list_records("alpha.test.", {});
          if (!zone) {
            ADD_FAILURE() << zone.error().message();
            return;
          }
          if (zone->rrsets.size() == 1 && zone->rrsets[0].records[0].rdata == "\"" + key + "\"")
            ++good;
        }
      });
  }
  EXPECT_EQ(good, kThreads * kRounds);
}

TEST(AdaptersConcurrent, AStopFromAnotherThreadEndsTheCall) {
  HttpServer server([](const ServedRequest&) {
    ServedResponse out;
    out.hang = true;
    return out;
  });
  const auto registry =
      Registry::scan({std::filesystem::path(MXF_BINARY_DIR) / "lib/mxferry/plugins"});
  std::stop_source stop;
  std::atomic<int> cancelled = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      auto api = registry.open_dns("powerdns", {{"url", server.url("")}},
                                   {{"api_key", Secret(std::string("k-secret"))}});
      ASSERT_TRUE(api) << api.error().message();
      const auto zone = (*api)->list_records("alpha.test.", stop.get_token());
      if (!zone && zone.error().code == ErrorCode::cancelled) ++cancelled;
    });
  server.wait_for_requests(3);
  stop.request_stop();
  threads.clear();
  EXPECT_EQ(cancelled, 3);
}

}  // namespace
}  // namespace mxferry::plugin
