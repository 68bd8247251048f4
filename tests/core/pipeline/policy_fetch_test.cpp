// SPDX-License-Identifier: Apache-2.0
// The MTA-STS policy over real HTTPS: at every address, under the right name, as RFC 8461 §3.3
// wants it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "pipeline/net_eyes.hpp"
#include "support/http_server.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::pipeline {
namespace {

using test::HttpServer;
using test::ServedRequest;
using test::ServedResponse;
using ::testing::HasSubstr;

const std::string kPolicy = "version: STSv1\nmode: enforce\nmx: mx.old.test\nmax_age: 86400\n";

ServedResponse policy(const std::string& body = kPolicy) {
  return {200, {{"Content-Type", "text/plain; charset=utf-8"}}, body, false, false};
}

class Eyes final : public DnsEyes {
 public:
  std::vector<std::string> hosts{"127.0.0.1"};
  Result<std::vector<std::string>> addresses(const std::string& host, std::stop_token) override {
    EXPECT_EQ(host, "mta-sts.alpha.test.");
    return hosts;
  }
  Result<dns::Delegation> delegation(const std::string&, std::stop_token) override {
    return dns::Delegation();
  }
  dns::Round round(const dns::Delegation&, const std::vector<dns::Question>&,
                   std::stop_token) override {
    return {};
  }
  Assertion confirmed(const dns::Delegation&, const std::vector<dns::Expected>&,
                      std::stop_token) override {
    return {};
  }
  Result<std::uint32_t> negative_ttl(const dns::Delegation&, std::stop_token) override {
    return 0U;
  }
  Result<dns::Seen> lookup(const dns::Question&, std::stop_token) override { return dns::Seen(); }
  Result<bool> has_ds(const std::string&, std::stop_token) override { return false; }
  Assertion signatures(const dns::Delegation&, const std::vector<dns::Question>&,
                       std::stop_token) override {
    return {};
  }
  std::vector<Resolver> ask_resolvers(const dns::Question&, std::stop_token) override { return {}; }
};

class PolicyFetchOverHttps : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new test::TempDir();
    for (const auto* names : {"good mta-sts.alpha.test", "other mta-sts.beta.test"}) {
      const std::string command = MXF_SOURCE_DIR "/examples/lab/ca.sh '" + (*dir_ / "ca").string() +
                                  "' issue " + names + " >/dev/null 2>&1";
      ASSERT_EQ(std::system(command.c_str()), 0);
    }
  }
  static void TearDownTestSuite() {
    delete dir_;
    dir_ = nullptr;
  }
  std::string file(const std::string& name) const { return (*dir_ / "ca" / name).string(); }
  Result<std::string> fetch(const HttpServer& server, bool allow_loopback = true) {
    PolicyFetch how;
    how.ca_file = file("ca.pem");
    how.allow_loopback = allow_loopback;
    how.port = server.port();
    return fetch_policy(eyes_, "alpha.test", how, {});
  }
  Eyes eyes_;
  static test::TempDir* dir_;
};
test::TempDir* PolicyFetchOverHttps::dir_ = nullptr;

TEST_F(PolicyFetchOverHttps, IsReadUnderTheRightNameAtTheAddressThatWasFound) {
  HttpServer server([](const ServedRequest&) { return policy(); }, file("good.pem"),
                    file("good.key"));
  const auto read = fetch(server);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, kPolicy);
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].target, "/.well-known/mta-sts.txt");
  EXPECT_THAT(server.requests()[0].headers.at("host"), HasSubstr("mta-sts.alpha.test"));
}

TEST_F(PolicyFetchOverHttps, AnotherNamesCertificateIsRefused) {
  HttpServer server([](const ServedRequest&) { return policy(); }, file("other.pem"),
                    file("other.key"));
  const auto read = fetch(server);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::tls);
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST_F(PolicyFetchOverHttps, AnAddressThatIsNotPublicIsNotConnectedTo) {
  HttpServer server([](const ServedRequest&) { return policy(); }, file("good.pem"),
                    file("good.key"));
  const auto read = fetch(server, false);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::refused);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(PolicyFetchOverHttps, WhatIsNotServedAsTheRfcWantsItIsNoPolicy) {
  const ServedResponse wrong[] = {
      {301, {{"Location", "https://elsewhere.test/"}}, "", false, false},
      {404, {{"Content-Type", "text/plain"}}, kPolicy, false, false},
      {200, {{"Content-Type", "text/html"}}, kPolicy, false, false},
      {200, {}, kPolicy, false, false},
      policy("version: STSv1\n"),
      policy(kPolicy + "x: " + std::string(64UL * 1024, 'a') + "\n"),
  };
  for (const auto& answer : wrong) {
    HttpServer server([&](const ServedRequest&) { return answer; }, file("good.pem"),
                      file("good.key"));
    const auto read = fetch(server);
    EXPECT_FALSE(read) << answer.status << " " << answer.body.size();
    EXPECT_EQ(server.requests().size(), 1U) << "asked once, nothing followed";
  }
}

TEST_F(PolicyFetchOverHttps, EveryAddressMustServeTheSame) {
  HttpServer first([](const ServedRequest&) { return policy(); }, file("good.pem"),
                   file("good.key"));
  eyes_.hosts = {"127.0.0.1", "127.0.0.2"};
  auto read = fetch(first);
  ASSERT_FALSE(read) << "nobody answers at the second address";
  eyes_.hosts = {};
  read = fetch(first);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message(), HasSubstr("has no address"));
  int asked = 0;
  HttpServer changing(
      [&](const ServedRequest&) {
        return policy(++asked == 1 ? kPolicy : kPolicy + "mx: mx.third.test\n");
      },
      file("good.pem"), file("good.key"));
  eyes_.hosts = {"127.0.0.1", "127.0.0.1"};
  read = fetch(changing);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message(), HasSubstr("another policy"));
}

}  // namespace
}  // namespace mxferry::pipeline
