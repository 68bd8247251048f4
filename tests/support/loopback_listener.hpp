// SPDX-License-Identifier: Apache-2.0
// LoopbackListener: a listening socket on an address of this machine, whose wait another thread can
// end. For servers of tests: one thread serves, the test's thread stops it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

namespace mxferry::test {

class LoopbackListener {
 public:
  /// Port 0 of `address`: the system chooses.
  explicit LoopbackListener(const std::string& address) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    inet_pton(AF_INET, address.c_str(), &where.sin_addr);
    socklen_t size = sizeof where;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&where), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size) != 0 ||
        ::pipe(stop_) != 0)
      throw std::runtime_error("cannot listen on " + address);
    port_ = ntohs(where.sin_port);
  }
  ~LoopbackListener() {
    for (const int fd : {listener_, stop_[0], stop_[1]}) ::close(fd);
  }
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;

  int port() const { return port_; }
  /// Readable from stop() on: what a conversation waits for beside its peer.
  int stop_fd() const { return stop_[0]; }
  /// Ends accept() and whoever waits for stop_fd(). Any thread.
  void stop() { (void)!::write(stop_[1], "x", 1); }
  /// The next connection, which the caller closes; -1 after stop().
  int accept() {
    while (true) {
      pollfd waits[2] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
      ::poll(waits, 2, -1);
      if (waits[1].revents != 0) return -1;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) return fd;
    }
  }

 private:
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  int port_ = 0;
};

}  // namespace mxferry::test
