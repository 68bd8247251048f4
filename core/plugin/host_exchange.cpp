// SPDX-License-Identifier: Apache-2.0
// The host service `exchange`: DNS messages (RFC 1035 §4.2) over one datagram or one TCP stream
// with its two-byte lengths, to a name server that a setting names. An answer counts only from the
// address and port asked, with the request's id and the QR bit; the kernel picks a new source port
// each time.
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/crash_point.hpp"
#include "plugin/host.hpp"

namespace mxferry::plugin {
namespace {

using Deadline = std::chrono::steady_clock::time_point;
constexpr std::chrono::seconds kDatagramTime{5};
constexpr std::chrono::seconds kStreamIdle{30};

/// One socket, and an event that the stop token rings.
class Line {
 public:
  explicit Line(const std::stop_token& stop)
      : event_(::eventfd(0, EFD_CLOEXEC)), stop_(stop), callback_(stop, Ring{event_}) {}
  ~Line() {
    if (fd_ >= 0) ::close(fd_);
    ::close(event_);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  Result<void> connect(const addrinfo& to, std::chrono::seconds limit) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return broken("socket");
    if (::connect(fd_, to.ai_addr, to.ai_addrlen) == 0) return {};
    if (errno != EINPROGRESS) return broken("connect");
    MXF_CHECK(wait(POLLOUT, std::chrono::steady_clock::now() + limit));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    if (error != 0) return broken("connect");
    return {};
  }
  Result<void> send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN) {
        MXF_CHECK(wait(POLLOUT, std::chrono::steady_clock::now() + kStreamIdle));
      } else if (errno != EINTR) {
        return broken("send");
      }
    }
    return {};
  }
  Result<std::string> datagram(Deadline until) {
    std::string buffer(65535, '\0');
    for (;;) {
      MXF_CHECK(wait(POLLIN, until));
      const auto n = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (n >= 0) {
        buffer.resize(static_cast<std::size_t>(n));
        return buffer;
      }
      if (errno != EAGAIN && errno != EINTR) return broken("receive");
    }
  }
  Result<std::string> exactly(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t at = 0; at < size;) {
      MXF_CHECK(wait(POLLIN, std::chrono::steady_clock::now() + kStreamIdle));
      const auto n = ::recv(fd_, out.data() + at, size - at, 0);
      if (n == 0) return fail(ErrorCode::network, "", "the name server closed the connection");
      if (n > 0)
        at += static_cast<std::size_t>(n);
      else if (errno != EAGAIN && errno != EINTR)
        return broken("receive");
    }
    return out;
  }

 private:
  struct Ring {
    int event;
    void operator()() const {
      const std::uint64_t one = 1;
      (void)!::write(event, &one, sizeof one);
    }
  };
  static Unexpected<Error> broken(const char* what) {
    return fail(ErrorCode::network, "", std::string(what) + ": " + std::strerror(errno));
  }
  Result<void> wait(short events, Deadline until) {
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now())
              .count();
      if (left <= 0) return fail(ErrorCode::timeout, "", "no answer in time");
      pollfd p[2] = {{fd_, events, 0}, {event_, POLLIN, 0}};
      const int n = ::poll(p, 2, static_cast<int>(left));
      if (stop_.stop_requested()) return fail(ErrorCode::cancelled, "", "cancelled");
      if (n > 0 && p[0].revents != 0) return {};
    }
  }
  int fd_ = -1;
  int event_;
  std::stop_token stop_;
  std::stop_callback<Ring> callback_;
};

struct AddressList {
  addrinfo* list = nullptr;
  ~AddressList() {
    if (list != nullptr) ::freeaddrinfo(list);
  }
};

// "host", "host:port", "[v6]", "[v6]:port"; a bare IPv6 address has more than one colon.
void split_server(const std::string& server, std::string& host, std::string& port) {
  port = "53";
  host = server;
  if (server.front() == '[') {
    const auto close = server.find(']');
    host = server.substr(1, close - 1);
    if (close + 2 < server.size()) port = server.substr(close + 2);
  } else if (const auto colon = server.find(':');
             colon != std::string::npos && colon == server.rfind(':')) {
    host = server.substr(0, colon);
    port = server.substr(colon + 1);
  }
}

bool answers(std::string_view request, std::string_view answer) {
  return answer.size() >= 12 && answer[0] == request[0] && answer[1] == request[1] &&
         (static_cast<unsigned char>(answer[2]) & 0x80U) != 0;
}

}  // namespace

mxf_status HostSession::exchange(const mxf_exchange_request* q,
                                 std::int32_t (*answer)(void*, mxf_str), void* ctx) {
  if (q == nullptr || answer == nullptr || !MXF_HAS(q, mxf_exchange_request, message))
    return record(MXF_PLUGIN_BUG,
                  Error{ErrorCode::plugin, "", "exchange: a structure is too small"});
  const std::string server = to_text(q->server);
  const std::string message = to_text(q->message);
  const auto run = [&]() -> Result<void> {
    if (!is_setting_of("server", server))
      return fail(ErrorCode::plugin, "",
                  "it asked for name server " + server + ", which no setting names");
    if (message.size() < 12 || message.size() > 65535)
      return fail(ErrorCode::plugin, "", "exchange: a DNS message has 12 to 65535 bytes");
    if (options_.exchange) {
      MXF_TRY(reply, options_.exchange(server, message));
      answer(ctx, to_str(reply));
      return {};
    }
    std::string host;
    std::string port;
    split_server(server, host, port);
    addrinfo hints{};
    hints.ai_socktype = q->stream != 0 ? SOCK_STREAM : SOCK_DGRAM;
    AddressList addresses;
    if (const int why = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &addresses.list);
        why != 0)
      return fail(ErrorCode::network, "",
                  std::string("name server address: ") + ::gai_strerror(why));
    Line line(stop_);
    Result<void> connected = fail(ErrorCode::network, "", "no address");
    for (const addrinfo* a = addresses.list; a != nullptr && !connected; a = a->ai_next)
      connected = line.connect(*a, std::chrono::seconds(10));
    if (!connected) return fail(std::move(connected).error().with_retry(Retry::safe));
    if (q->stream == 0) {
      MXF_CHECK(line.send(message));
      const auto until = std::chrono::steady_clock::now() + kDatagramTime;
      for (;;) {
        MXF_TRY(reply, line.datagram(until));
        if (!answers(message, reply)) continue;  // somebody else's, or forged
        answer(ctx, to_str(reply));
        return {};
      }
    }
    std::string framed;
    framed.push_back(static_cast<char>(message.size() >> 8U));
    framed.push_back(static_cast<char>(message.size() & 255U));
    MXF_CHECK(line.send(framed + message));
    for (;;) {
      MXF_TRY(length, line.exactly(2));
      const auto size = static_cast<std::size_t>(static_cast<unsigned char>(length[0])) << 8U |
                        static_cast<unsigned char>(length[1]);
      MXF_TRY(reply, line.exactly(size));
      if (!answers(message, reply))
        return fail(ErrorCode::protocol, "",
                    "an answer whose id or QR bit does not belong to the question");
      if (answer(ctx, to_str(reply)) == 0) return {};
    }
  };
  auto done = run();
  crash_point("plugin.answered");
  if (!done) {
    auto error = std::move(done).error();
    error.operation = "name server " + server;
    return record(status_of(error.code), std::move(error));
  }
  return MXF_OK;
}

}  // namespace mxferry::plugin
