// SPDX-License-Identifier: Apache-2.0
// Questions from many threads at once: each gets the answer to its own.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "net/dns_exchange.hpp"

namespace mxferry::net {
namespace {

// Sends every question back as an answer (QR set), or keeps silent.
class Echo53 {
 public:
  explicit Echo53(bool silent) : silent_(silent) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    inet_pton(AF_INET, "127.77.64.251", &where.sin_addr);
    socklen_t size = sizeof where;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&where), size), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&where), &size);
    port_ = ntohs(where.sin_port);
    EXPECT_EQ(::pipe2(stop_.data(), O_CLOEXEC), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~Echo53() {
    EXPECT_EQ(::write(stop_[1], "x", 1), 1);
    thread_.join();
    for (const int fd : {fd_, stop_[0], stop_[1]}) ::close(fd);
  }
  Echo53(const Echo53&) = delete;
  Echo53& operator=(const Echo53&) = delete;
  DnsServer server() const { return {"127.77.64.251", port_}; }
  int asked() const { return asked_; }

 private:
  void serve() {
    for (;;) {
      std::array<pollfd, 2> p{{{fd_, POLLIN, 0}, {stop_[0], POLLIN, 0}}};
      ::poll(p.data(), 2, -1);
      if (p[1].revents != 0) return;
      std::array<char, 512> buffer{};
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto n = ::recvfrom(fd_, buffer.data(), buffer.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &size);
      ++asked_;
      if (n < 12 || silent_) continue;
      buffer[2] = static_cast<char>(static_cast<unsigned char>(buffer[2]) | 0x80U);
      ::sendto(fd_, buffer.data(), static_cast<std::size_t>(n), 0,
               reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  bool silent_;
  int fd_ = -1;
  std::array<int, 2> stop_{-1, -1};
  std::uint16_t port_ = 0;
  std::atomic<int> asked_ = 0;
  std::thread thread_;
};

// RFC 1035 §4.1: one question for NAME.test. A, without recursion.
std::string query(const std::string& name) {
  const auto id = random_dns_id();
  std::string out{static_cast<char>(id >> 8U), static_cast<char>(id & 0xffU)};
  out += std::string("\0\0\0\1\0\0\0\0\0\0", 10);
  for (const auto& label : {name, std::string("test")})
    out += static_cast<char>(label.size()) + label;
  return out + std::string("\0\0\1\0\1", 5);
}

TEST(DnsExchangeConcurrent, EveryThreadGetsTheAnswerToItsOwnQuestion) {
  const Echo53 echo(false);
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          const auto q = query("n" + std::to_string(t) + "-" + std::to_string(i));
          const auto answer = dns_exchange(echo.server(), q, {}, {});
          if (answer && answer->substr(0, 2) == q.substr(0, 2) &&
              answer->substr(12, q.size() - 12) == q.substr(12))
            ++good;
        }
      });
  }
  EXPECT_EQ(good, 200);
}

TEST(DnsExchangeConcurrent, AStopFromAnotherThreadEndsTheWaiting) {
  const Echo53 silent(true);
  std::stop_source stop;
  std::atomic<int> ended = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      DnsExchange how;
      how.timeout = std::chrono::seconds(20);
      if (!dns_exchange(silent.server(), query("x"), how, stop.get_token())) ++ended;
    });
  while (silent.asked() < 4) std::this_thread::yield();
  const auto before = std::chrono::steady_clock::now();
  stop.request_stop();
  threads.clear();
  EXPECT_EQ(ended, 4);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

}  // namespace
}  // namespace mxferry::net
