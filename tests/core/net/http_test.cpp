// SPDX-License-Identifier: Apache-2.0
// HttpClient against a server of our own: trust, cancel, retry, limits. Back-off is 1 ms here.
#include "net/http.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "support/http_server.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::net {
namespace {

using test::HttpServer;
using test::ServedRequest;
using test::ServedResponse;

HttpLimits quick() {
  HttpLimits limits;
  limits.backoff = std::chrono::milliseconds(1);
  limits.longest_wait = std::chrono::milliseconds(1500);
  return limits;
}

Result<HttpResponse> get(const std::string& url, HttpTrust trust = {}, bool idempotent = true,
                         HttpLimits limits = quick()) {
  HttpClient client(std::move(trust), limits);
  HttpRequest request;
  request.url = url;
  request.headers.push_back({"X-API-Key", "the-secret"});
  request.idempotent = idempotent;
  return client.send(request, {});
}

TEST(HttpClient, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  HttpServer server([](const ServedRequest&) {
    return ServedResponse{201, {{"X-Thing", "  a b "}}, "hello", false, false};
  });
  HttpClient client({}, quick());
  HttpRequest request;
  request.method = "PATCH";
  request.url = server.url("/a/b?c=d");
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  request.body = std::string("{\"a\":\0}", 7);
  const auto response = client.send(request, {});
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->code, 201U);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->header("x-thing"), "a b");
  const auto seen = server.requests();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].method, "PATCH");
  EXPECT_EQ(seen[0].target, "/a/b?c=d");
  EXPECT_EQ(seen[0].headers.at("content-type"), "application/json");
  EXPECT_EQ(seen[0].headers.at("x-empty"), "");
  EXPECT_FALSE(seen[0].headers.contains("expect"));
  EXPECT_EQ(seen[0].body, request.body);
}

TEST(HttpClient, ARedirectIsReportedAndTheOtherServerHearsNothing) {
  HttpServer other([](const ServedRequest&) { return ServedResponse{}; });
  for (const int status : {301, 302, 303, 307, 308}) {
    HttpServer server([&](const ServedRequest&) {
      return ServedResponse{status, {{"Location", other.url("/x")}}, "", false, false};
    });
    const auto response = get(server.url());
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::refused);
    EXPECT_NE(response.error().remote.find("Location:"), std::string::npos);
  }
  EXPECT_EQ(other.connections(), 0);
}

TEST(HttpClient, PlainHttpBeyondLoopbackNeedsPermission) {
  const auto response = get("http://192.0.2.1/");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::tls);
  EXPECT_FALSE(get("ftp://127.0.0.1/"));
  EXPECT_FALSE(get("file:///etc/passwd"));
  EXPECT_FALSE(get("http://user:pw@127.0.0.1/"));
}

TEST(HttpClient, HeadersCannotBeInjected) {
  HttpServer server([](const ServedRequest&) { return ServedResponse{}; });
  HttpClient client({}, quick());
  HttpRequest request;
  request.url = server.url();
  request.headers = {{"X-A", "b\r\nX-Evil: 1"}};
  EXPECT_FALSE(client.send(request, {}));
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpClient, WaitsOut429AndRepeatsOnlyWhatIsSafe) {
  for (const bool idempotent : {true, false}) {
    for (const int status : {429, 503, 500}) {
      int calls = 0;
      HttpServer server([&](const ServedRequest&) {
        ++calls;
        return calls < 3 ? ServedResponse{status, {}, "later", false, false}
                         : ServedResponse{200, {}, "ok", false, false};
      });
      const auto response = get(server.url(), {}, idempotent);
      ASSERT_TRUE(response);
      const bool retried = idempotent || status == 429;
      EXPECT_EQ(response->code, retried ? 200U : static_cast<unsigned>(status));
      EXPECT_EQ(server.requests().size(), retried ? 3U : 1U);
    }
  }
}

TEST(HttpClient, ARetryAfterBeyondTheLimitIsTheCallersToWait) {
  HttpServer server([](const ServedRequest&) {
    return ServedResponse{429, {{"Retry-After", "3600"}}, "", false, false};
  });
  const auto response = get(server.url());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->code, 429U);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(HttpClient, AClosedConnectionIsRetriedOnlyWhenIdempotent) {
  int calls = 0;
  HttpServer server([&](const ServedRequest&) {
    return ServedResponse{200, {}, "ok", false, ++calls < 3};
  });
  const auto failed = get(server.url(), {}, false);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::network);
  EXPECT_EQ(failed.error().retry, Retry::later) << "a byte had been sent: unknown";
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_TRUE(get(server.url(), {}, true));
}

TEST(HttpClient, ARefusedConnectionSaysThatNothingWasSent) {
  std::string url;
  {
    HttpServer server([](const ServedRequest&) { return ServedResponse{}; });
    url = server.url();
  }
  const auto response = get(url, {}, false);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::network);
  EXPECT_EQ(response.error().retry, Retry::safe);
  EXPECT_EQ(response.error().message().find("the-secret"), std::string::npos);
}

TEST(HttpClient, AnswersAreLimitedInSizeAndTime) {
  HttpServer large([](const ServedRequest&) {
    return ServedResponse{200, {}, std::string(1001, 'x'), false, false};
  });
  auto limits = quick();
  limits.response_bytes = 1000;
  const auto response = get(large.url(), {}, true, limits);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::protocol);
  limits.response_bytes = 1001;
  EXPECT_TRUE(get(large.url(), {}, true, limits));

  HttpServer silent([](const ServedRequest&) { return ServedResponse{200, {}, "", true, false}; });
  limits.total = std::chrono::milliseconds(50);
  const auto late = get(silent.url(), {}, false, limits);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timeout);
}

TEST(HttpClient, CancelEndsABlockedRequestAtOnce) {
  HttpServer silent([](const ServedRequest&) { return ServedResponse{200, {}, "", true, false}; });
  std::stop_source stop;
  std::thread canceller([&] {
    silent.wait_for_requests(1);
    stop.request_stop();
  });
  HttpClient client({}, quick());
  HttpRequest request;
  request.url = silent.url();
  const auto start = std::chrono::steady_clock::now();
  const auto response = client.send(request, stop.get_token());
  canceller.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(HttpClient, EnvironmentProxyAndNetrcAreIgnored) {
  HttpServer proxy([](const ServedRequest&) { return ServedResponse{}; });
  HttpServer server([](const ServedRequest&) { return ServedResponse{}; });
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"})
    ::setenv(name, proxy.url().c_str(), 1);
  EXPECT_TRUE(get(server.url()));
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"})
    ::unsetenv(name);
  EXPECT_EQ(proxy.connections(), 0);
  EXPECT_EQ(server.connections(), 1);
}

class HttpTls : public testing::Test {
 protected:
  // A certificate for `names`, with the environment in front of ca.sh.
  static void issue(const test::TempDir& dir, const std::string& name, const std::string& names,
                    const std::string& env = {}) {
    const std::string command = env + " " MXF_SOURCE_DIR "/examples/lab/ca.sh " +
                                dir.path().string() + " issue " + name + " " + names +
                                " >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  static std::string run(const std::string& command) {
    std::string out;
    if (FILE* pipe = ::popen(command.c_str(), "r")) {
      char buffer[256];
      while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) out += buffer;
      ::pclose(pipe);
    }
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }
  std::unique_ptr<HttpServer> serve(const std::string& name) {
    return std::make_unique<HttpServer>([](const ServedRequest&) { return ServedResponse{}; },
                                        dir / (name + ".pem"), dir / (name + ".key"));
  }
  void refuses(const std::string& name, const HttpTrust& trust) {
    const auto server = serve(name);
    const auto response = get(server->url(), trust);
    ASSERT_FALSE(response) << name;
    EXPECT_EQ(response.error().code, ErrorCode::tls) << name << ": " << response.error().message();
    EXPECT_EQ(server->transcript(), "") << "not a byte of the request may leave: " << name;
  }
  test::TempDir dir;
};

TEST_F(HttpTls, OnlyAServerThatProvesItsNameIsSpokenTo) {
  issue(dir, "good", "127.0.0.1");
  issue(dir, "wrong", "other.test");
  issue(dir, "old", "127.0.0.1", "MXF_CERT_DAYS=0");
  issue(dir, "purpose", "127.0.0.1", "MXF_CERT_USAGE=clientAuth");
  HttpTrust trust;
  trust.ca_file = dir / "ca.pem";
  const auto good = serve("good");
  EXPECT_TRUE(get(good->url(), trust));
  refuses("wrong", trust);
  refuses("old", trust);
  refuses("purpose", trust);
  refuses("good", {});  // the system does not know this CA

  ::setenv("SSL_CERT_FILE", trust.ca_file.c_str(), 1);
  EXPECT_TRUE(get(good->url()));
  ::unsetenv("SSL_CERT_FILE");
}

TEST_F(HttpTls, APinMustMatchBesidesTheChain) {
  issue(dir, "good", "127.0.0.1");
  const std::string spki = "openssl x509 -in " + (dir / "good.pem").string() +
                           " -pubkey -noout | openssl pkey -pubin -outform DER | ";
  HttpTrust trust;
  trust.ca_file = dir / "ca.pem";
  trust.pin = "sha256:" + run(spki + "openssl dgst -sha256 -binary | openssl base64");
  const auto good = serve("good");
  EXPECT_TRUE(get(good->url(), trust));
  trust.pin = "sha256:" + run(spki + "sha256sum | cut -c1-64");
  EXPECT_TRUE(get(good->url(), trust));
  trust.pin = "sha256:" + std::string(64, 'a');
  refuses("good", trust);
  trust.pin = "sha256:short";
  EXPECT_EQ(get(good->url(), trust).error().code, ErrorCode::config);
}

TEST_F(HttpTls, NoKeyLogIsWritten) {
  issue(dir, "good", "127.0.0.1");
  const auto log = dir / "keys";
  ::setenv("SSLKEYLOGFILE", log.c_str(), 1);
  HttpTrust trust;
  trust.ca_file = dir / "ca.pem";
  const auto good = serve("good");
  EXPECT_TRUE(get(good->url(), trust));
  ::unsetenv("SSLKEYLOGFILE");
  std::stringstream content;
  content << std::ifstream(log).rdbuf();
  EXPECT_EQ(content.str().find("SECRET"), std::string::npos);
}

}  // namespace
}  // namespace mxferry::net
