// SPDX-License-Identifier: Apache-2.0
// A TCP relay that keeps every byte for half the round trip in each direction, and counts how often a connection
// changed its direction: what a protocol costs on a long line. One thread, poll.
//
//   mxf_delay_proxy LISTEN_HOST:PORT TARGET_HOST:PORT RTT_MS COUNT_FILE
//
// Ends at SIGTERM and writes `connections changes_of_direction bytes_to_target bytes_to_client` to COUNT_FILE, the
// changes of the connection that had most of them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kWindow = std::size_t{6} << 20;  // of one direction

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "mxf_delay_proxy: %s: %s\n", why.c_str(), std::strerror(errno));
  std::_Exit(1);
}

sockaddr_in address_of(const std::string& text) {
  const auto colon = text.rfind(':');
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &out.sin_addr) != 1) die(text);
  return out;
}

struct Piece {
  Clock::time_point due;
  std::string bytes;
};

// From `from` to `to`.
struct Stream {
  int from = -1, to = -1;
  std::deque<Piece> kept;
  std::size_t size = 0;
  bool ended = false, closed = false;
  std::uint64_t total = 0;
};

struct Pair {
  Stream up, down;  // to the target, to the client
  int last = 0;     // which stream moved last: 1 up, 2 down
  std::uint64_t changes = 0;
  bool done() const { return up.closed && down.closed; }
};

void nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void take(Pair& pair, Stream& stream, int which, Clock::duration half) {
  char chunk[1U << 16U];
  const auto n = ::read(stream.from, chunk, sizeof chunk);
  if (n > 0) {
    if (pair.last != which) ++pair.changes;
    pair.last = which;
    stream.kept.push_back({Clock::now() + half, std::string(chunk, static_cast<std::size_t>(n))});
    stream.size += static_cast<std::size_t>(n);
    stream.total += static_cast<std::uint64_t>(n);
  } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    stream.ended = true;
  }
}

void give(Stream& stream) {
  while (!stream.kept.empty() && stream.kept.front().due <= Clock::now()) {
    auto& piece = stream.kept.front();
    const auto n = ::send(stream.to, piece.bytes.data(), piece.bytes.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      stream.ended = true;
      stream.kept.clear();
      break;
    }
    stream.size -= static_cast<std::size_t>(n);
    if (static_cast<std::size_t>(n) < piece.bytes.size()) {
      piece.bytes.erase(0, static_cast<std::size_t>(n));
      return;
    }
    stream.kept.pop_front();
  }
  if (stream.ended && stream.kept.empty() && !stream.closed) {
    ::shutdown(stream.to, SHUT_WR);
    stream.closed = true;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) die("usage: mxf_delay_proxy LISTEN TARGET RTT_MS COUNT_FILE");
  const auto listen_at = address_of(argv[1]);
  const auto target = address_of(argv[2]);
  const auto half = std::chrono::microseconds(500 * std::atoi(argv[3]));
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&listen_at), sizeof listen_at) != 0) die("bind");
  if (::listen(listener, 256) != 0) die("listen");
  std::vector<std::unique_ptr<Pair>> pairs;
  std::uint64_t connections = 0, most_changes = 0, up = 0, down = 0;
  const auto account = [&](const Pair& pair) {
    most_changes = std::max(most_changes, pair.changes);
    up += pair.up.total;
    down += pair.down.total;
  };
  for (;;) {
    std::vector<pollfd> polled = {{signals, POLLIN, 0}, {listener, POLLIN, 0}};
    auto wait = Clock::now() + std::chrono::seconds(10);
    for (const auto& pair : pairs)
      for (const auto* stream : {&pair->up, &pair->down}) {
        const bool full = stream->size >= kWindow;
        const bool due = !stream->kept.empty() && stream->kept.front().due <= Clock::now();
        if (!stream->kept.empty() && !due) wait = std::min(wait, stream->kept.front().due);
        polled.push_back({stream->ended || full ? -1 : stream->from, POLLIN, 0});
        polled.push_back({due ? stream->to : -1, POLLOUT, 0});
      }
    const auto left = wait - Clock::now();
    timespec limit{};
    const auto ns = std::max<long long>(0, std::chrono::duration_cast<std::chrono::nanoseconds>(left).count());
    limit.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    ::ppoll(polled.data(), polled.size(), &limit, nullptr);
    if (polled[0].revents != 0) break;
    std::size_t at = 2;
    for (const auto& pair : pairs) {
      if (polled[at].revents != 0) take(*pair, pair->up, 1, half);
      if (polled[at + 2].revents != 0) take(*pair, pair->down, 2, half);
      give(pair->up);
      give(pair->down);
      at += 4;
    }
    if (polled[1].revents != 0) {
      const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (client >= 0 && ::connect(server, reinterpret_cast<const sockaddr*>(&target), sizeof target) == 0) {
        nonblocking(client);
        nonblocking(server);
        auto pair = std::make_unique<Pair>();
        pair->up = Stream{client, server, {}, 0, false, false, 0};
        pair->down = Stream{server, client, {}, 0, false, false, 0};
        pairs.push_back(std::move(pair));
        ++connections;
      } else {
        ::close(client);
        ::close(server);
      }
    }
    std::erase_if(pairs, [&](const std::unique_ptr<Pair>& pair) {
      if (!pair->done()) return false;
      account(*pair);
      ::close(pair->up.from);
      ::close(pair->up.to);
      return true;
    });
  }
  for (const auto& pair : pairs) account(*pair);
  if (FILE* f = std::fopen(argv[4], "w")) {
    std::fprintf(f, "%llu %llu %llu %llu\n", static_cast<unsigned long long>(connections),
                 static_cast<unsigned long long>(most_changes), static_cast<unsigned long long>(up),
                 static_cast<unsigned long long>(down));
    std::fclose(f);
  }
  return 0;
}
