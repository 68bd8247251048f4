// SPDX-License-Identifier: Apache-2.0
#include "support/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace mxferry::test {
namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// A plain or TLS connection that gives up when `stop` becomes readable.
class Peer {
 public:
  Peer(int fd, int stop, SSL_CTX* ctx) : fd_(fd), stop_(stop) {
    if (ctx == nullptr) return;
    ssl_ = SSL_new(ctx);
    SSL_set_fd(ssl_, fd);
    alive_ = SSL_accept(ssl_) == 1;
  }
  ~Peer() {
    if (ssl_ != nullptr) {
      if (alive_) SSL_shutdown(ssl_);
      SSL_free(ssl_);
    }
    ::close(fd_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  bool alive() const { return alive_; }
  bool read_more(std::string& buffer) {
    if (!alive_) return false;
    char chunk[4096];
    if (ssl_ != nullptr) {
      if (SSL_pending(ssl_) == 0 && !readable()) return false;
      const int n = SSL_read(ssl_, chunk, sizeof chunk);
      if (n <= 0) return alive_ = false;
      buffer.append(chunk, static_cast<std::size_t>(n));
      return true;
    }
    if (!readable()) return false;
    const auto n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0) return alive_ = false;
    buffer.append(chunk, static_cast<std::size_t>(n));
    return true;
  }
  void write(const std::string& bytes) {
    if (ssl_ != nullptr) {
      SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
      return;
    }
    std::size_t at = 0;
    while (at < bytes.size()) {
      const auto n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return;
      at += static_cast<std::size_t>(n);
    }
  }
  void wait_for_stop() {
    pollfd p{stop_, POLLIN, 0};
    ::poll(&p, 1, -1);
  }

 private:
  bool readable() {
    pollfd p[2] = {{fd_, POLLIN, 0}, {stop_, POLLIN, 0}};
    return ::poll(p, 2, 20'000) > 0 && p[1].revents == 0;
  }
  int fd_;
  int stop_;
  SSL* ssl_ = nullptr;
  bool alive_ = true;
};

}  // namespace

HttpServer::HttpServer(Handler handler, const std::string& certificate, const std::string& key,
                       const std::string& address)
    : handler_(std::move(handler)), address_(address) {
  std::signal(SIGPIPE, SIG_IGN);
  if (!certificate.empty()) {
    SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key.c_str(), SSL_FILETYPE_PEM) != 1)
      throw std::runtime_error("cannot load " + certificate);
    tls_ = ctx;
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  socklen_t size = sizeof where;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&where), size) != 0 ||
      ::listen(listener_, 64) != 0)
    throw std::runtime_error("cannot listen on " + address);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size);
  port_ = ntohs(where.sin_port);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  const std::uint64_t one = 1;
  if (::write(stop_, &one, sizeof one) < 0) std::abort();
  thread_.join();
  ::close(listener_);
  ::close(stop_);
  SSL_CTX_free(static_cast<SSL_CTX*>(tls_));
}

std::string HttpServer::url(const std::string& path, const std::string& host) const {
  return std::string(tls_ != nullptr ? "https://" : "http://") + (host.empty() ? address_ : host) +
         ":" + std::to_string(port_) + path;
}

std::vector<ServedRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}
std::string HttpServer::transcript() const {
  const std::lock_guard lock(mutex_);
  return transcript_;
}
int HttpServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}
void HttpServer::wait_for_requests(std::size_t n) {
  std::unique_lock lock(mutex_);
  came_.wait(lock, [&] { return requests_.size() >= n; });
}

void HttpServer::serve() {
  std::vector<std::thread> talks;
  for (;;) {
    pollfd p[2] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (::poll(p, 2, -1) < 0 || p[1].revents != 0) break;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    {
      const std::lock_guard lock(mutex_);
      ++connections_;
    }
    talks.emplace_back([this, fd] { talk(fd); });
  }
  for (auto& t : talks) t.join();
}

void HttpServer::talk(int fd) {
  Peer peer(fd, stop_, static_cast<SSL_CTX*>(tls_));
  std::string buffer;
  const auto read_more = [&] {
    const auto before = buffer.size();
    if (!peer.read_more(buffer)) return false;
    const std::lock_guard lock(mutex_);
    transcript_ += buffer.substr(before);
    return true;
  };
  std::size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
    if (!read_more()) return;
  ServedRequest request;
  std::size_t at = buffer.find("\r\n");
  const std::string first = buffer.substr(0, at);
  const auto a = first.find(' ');
  const auto b = first.rfind(' ');
  request.method = first.substr(0, a);
  request.target = first.substr(a + 1, b - a - 1);
  while (at < end) {
    const auto start = at + 2;
    at = buffer.find("\r\n", start);
    const std::string line = buffer.substr(start, at - start);
    const auto colon = line.find(':');
    if (colon == std::string::npos) break;
    const auto value = line.find_first_not_of(' ', colon + 1);
    request.headers[lower(line.substr(0, colon))] =
        value == std::string::npos ? "" : line.substr(value);
  }
  std::size_t length = 0;
  if (const auto it = request.headers.find("content-length"); it != request.headers.end())
    length = std::stoul(it->second);
  while (buffer.size() < end + 4 + length)
    if (!read_more()) return;
  request.body = buffer.substr(end + 4, length);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  came_.notify_all();
  const ServedResponse response = handler_(request);
  if (response.hang) {
    peer.wait_for_stop();
    return;
  }
  if (response.close) return;
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " X\r\n";
  for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
  if (response.status != 204)
    out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  out += "Connection: close\r\n\r\n" + response.body;
  peer.write(out);
}

}  // namespace mxferry::test
