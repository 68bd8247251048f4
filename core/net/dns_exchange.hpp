// SPDX-License-Identifier: Apache-2.0
// One DNS question to one server, through c-ares: raw bytes out, raw bytes in. A channel per
// question, so that each has a source port of its own (RFC 5452 §9.2; c-ares 1.18 uses one port a
// channel); truncated answers are asked again over TCP. Only an answer from the address asked, with
// the id of the question, is handed out; what it says is the caller's to judge. Blocking; any
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace mxferry::net {

struct DnsServer {
  std::string address;  // IPv4 or IPv6
  std::uint16_t port = 53;
  auto operator<=>(const DnsServer&) const = default;
  std::string name() const;
};

/// "ADDR", "ADDR:PORT" or "[ADDR]:PORT".
Result<DnsServer> parse_dns_server(const std::string& text);

/// The resolvers of this machine (/etc/resolv.conf), in its order.
Result<std::vector<DnsServer>> system_resolvers();

struct DnsExchange {
  bool tcp = false;  // from the start
  std::chrono::milliseconds timeout{3000};
  int tries = 2;  // UDP: a lost datagram is asked again
};

/// The answer's bytes. ErrorCode::timeout or network otherwise: both mean that nothing is known.
Result<std::string> dns_exchange(const DnsServer& server, const std::string& query,
                                 const DnsExchange& how, std::stop_token stop);

/// False if this machine has no route to the address at all (an IPv6 address on a machine without
/// IPv6).
bool has_route(const std::string& address);

/// A random message id.
std::uint16_t random_dns_id();

}  // namespace mxferry::net
