// SPDX-License-Identifier: Apache-2.0
#include "net/dns_exchange.hpp"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <mutex>

namespace mxferry::net {
namespace {

// ares_library_init is not thread-safe and counts its calls.
bool library_ready() {
  static std::once_flag once;
  static int rc = ARES_SUCCESS;
  std::call_once(once, [] { rc = ares_library_init(ARES_LIB_INIT_ALL); });
  return rc == ARES_SUCCESS;
}

struct Outcome {
  bool done = false;
  int status = ARES_ETIMEOUT;
  std::string bytes;
};

void on_answer(void* arg, int status, int /*timeouts*/, unsigned char* bytes, int length) {
  auto& outcome = *static_cast<Outcome*>(arg);
  outcome.done = true;
  outcome.status = status;
  if (bytes != nullptr && length > 0)
    outcome.bytes.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

struct DestroyChannel {
  void operator()(ares_channel channel) const { ares_destroy(channel); }
};

bool is_v6(const std::string& address) { return address.find(':') != std::string::npos; }

bool is_address(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(is_v6(text) ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1;
}

}  // namespace

std::string DnsServer::name() const {
  if (port == 53) return address;
  return (is_v6(address) ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<DnsServer> parse_dns_server(const std::string& text) {
  DnsServer server;
  std::string port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string::npos)
      return fail(ErrorCode::config, "name server \"" + text + "\"",
                  "expected ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT");
    server.address = text.substr(1, close - 1);
    if (close + 1 < text.size() && text[close + 1] == ':') port = text.substr(close + 2);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    server.address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
  } else {
    server.address = text;
  }
  if (!port.empty()) {
    unsigned value = 0;
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (ec != std::errc() || end != port.data() + port.size() || value == 0 || value > 65535)
      return fail(ErrorCode::config, "name server \"" + text + "\"",
                  "the port is not a number from 1 to 65535");
    server.port = static_cast<std::uint16_t>(value);
  }
  if (!is_address(server.address))
    return fail(ErrorCode::config, "name server \"" + text + "\"",
                "expected an IP address, not a name");
  return server;
}

Result<std::vector<DnsServer>> system_resolvers() {
  const std::string operation = "read this machine's resolvers";
  if (!library_ready()) return fail(ErrorCode::internal, operation, "c-ares did not start");
  ares_channel raw = nullptr;
  if (ares_init(&raw) != ARES_SUCCESS)
    return fail(ErrorCode::internal, operation, "c-ares did not start a channel");
  const std::unique_ptr<ares_channeldata, DestroyChannel> channel(raw);
  ares_addr_port_node* first = nullptr;
  if (ares_get_servers_ports(raw, &first) != ARES_SUCCESS)
    return fail(ErrorCode::io, operation, "there are none");
  const std::unique_ptr<ares_addr_port_node, decltype(&ares_free_data)> list(first, ares_free_data);
  std::vector<DnsServer> out;
  for (const auto* node = first; node != nullptr; node = node->next) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(node->family, &node->addr, text.data(), text.size());
    DnsServer server;
    server.address = text.data();
    if (node->udp_port != 0) server.port = static_cast<std::uint16_t>(node->udp_port);
    out.push_back(std::move(server));
  }
  if (out.empty()) return fail(ErrorCode::io, operation, "there are none");
  return out;
}

Result<std::string> dns_exchange(const DnsServer& server, const std::string& query,
                                 const DnsExchange& how, std::stop_token stop) {
  const std::string operation = "ask " + server.name();
  if (!library_ready()) return fail(ErrorCode::internal, operation, "c-ares did not start");
  ares_options options{};
  options.flags =
      ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP | ARES_FLAG_STAYOPEN;
  if (how.tcp) options.flags |= ARES_FLAG_USEVC;
  options.timeout = static_cast<int>(how.timeout.count());
  options.tries = how.tcp ? 1 : how.tries;
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
  ares_channel raw = nullptr;
  if (ares_init_options(&raw, &options, mask) != ARES_SUCCESS)
    return fail(ErrorCode::internal, operation, "c-ares did not start a channel");
  const std::unique_ptr<ares_channeldata, DestroyChannel> channel(raw);
  const std::string csv = (is_v6(server.address) ? "[" + server.address + "]" : server.address) +
                          ":" + std::to_string(server.port);
  if (ares_set_servers_ports_csv(raw, csv.c_str()) != ARES_SUCCESS)
    return fail(ErrorCode::config, operation, "not an address");
  Outcome outcome;
  ares_send(raw, reinterpret_cast<const unsigned char*>(query.data()),
            static_cast<int>(query.size()), on_answer, &outcome);
  while (!outcome.done) {
    if (stop.stop_requested()) {
      ares_cancel(raw);
      return fail(ErrorCode::cancelled, operation, "stopped");
    }
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const int bits = ares_getsock(raw, sockets.data(), static_cast<int>(sockets.size()));
    std::array<pollfd, ARES_GETSOCK_MAXNUM> fds{};
    nfds_t count = 0;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      short events = 0;
      if (ARES_GETSOCK_READABLE(bits, static_cast<unsigned>(i))) events |= POLLIN;
      if (ARES_GETSOCK_WRITABLE(bits, static_cast<unsigned>(i))) events |= POLLOUT;
      if (events != 0) fds.at(count++) = {sockets.at(i), events, 0};
    }
    timeval most{0, 100000};  // so that a stop is seen
    timeval wait{};
    const timeval* next = ares_timeout(raw, &most, &wait);
    const int ms = static_cast<int>(next->tv_sec * 1000 + next->tv_usec / 1000);
    (void)::poll(fds.data(), count, ms > 0 ? ms : 1);
    ares_process_fd(raw, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its time-outs
    for (nfds_t i = 0; i < count; ++i) {
      const auto& fd = fds.at(i);
      const bool readable = (fd.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writable = (fd.revents & POLLOUT) != 0;
      if (readable || writable)
        ares_process_fd(raw, readable ? fd.fd : ARES_SOCKET_BAD,
                        writable ? fd.fd : ARES_SOCKET_BAD);
    }
  }
  if (outcome.status != ARES_SUCCESS || outcome.bytes.empty()) {
    const bool late = outcome.status == ARES_ETIMEOUT;
    return fail(late ? ErrorCode::timeout : ErrorCode::network, operation,
                late ? "no answer" : ares_strerror(outcome.status));
  }
  return std::move(outcome.bytes);
}

bool has_route(const std::string& address) {
  // connect() on a datagram socket sends nothing; it only asks the routing table.
  const bool v6 = is_v6(address);
  const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  int rc = -1;
  if (v6) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(53);
    if (::inet_pton(AF_INET6, address.c_str(), &to.sin6_addr) == 1)
      rc = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
  } else {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(53);
    if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) == 1)
      rc = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }
  ::close(fd);
  return rc == 0;
}

std::uint16_t random_dns_id() {
  std::array<unsigned char, 2> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return static_cast<std::uint16_t>((bytes[0] << 8U) | bytes[1]);
}

}  // namespace mxferry::net
