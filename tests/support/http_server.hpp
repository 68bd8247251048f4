// SPDX-License-Identifier: Apache-2.0
// HttpServer: a small HTTP/1.1 server for tests on a loopback port of its own, plain or TLS. The
// handler runs on the server's thread, one request per connection; everything the server received
// is kept. Stops when it is destroyed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mxferry::test {

struct ServedRequest {
  std::string method, target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct ServedResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  bool hang = false;   // answer nothing until the server stops
  bool close = false;  // close without an answer
};

class HttpServer {
 public:
  using Handler = std::function<ServedResponse(const ServedRequest&)>;
  /// TLS where `certificate` (PEM, chain) and `key` are given.
  explicit HttpServer(Handler handler, const std::string& certificate = {},
                      const std::string& key = {}, const std::string& address = "127.0.0.1");
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/", const std::string& host = {}) const;
  std::vector<ServedRequest> requests() const;
  /// Every decrypted byte that came in, also of what was no request.
  std::string transcript() const;
  int connections() const;
  /// Blocks until that many requests have come.
  void wait_for_requests(std::size_t n);

 private:
  void serve();
  void talk(int fd);
  Handler handler_;
  void* tls_ = nullptr;
  std::string address_;
  int listener_ = -1;
  int stop_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<ServedRequest> requests_;
  std::string transcript_;
  int connections_ = 0;
  std::thread thread_;
};

}  // namespace mxferry::test
