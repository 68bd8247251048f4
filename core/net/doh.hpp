// SPDX-License-Identifier: Apache-2.0
// DNS over HTTPS (RFC 8484): one question to one resolver, bytes out and bytes in, by POST of
// application/dns-message; https except on loopback. For networks in which port 53 cannot be used.
// Blocking; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace mxferry::net {

struct DohServer {
  std::string url;        // https://dns.example/dns-query
  std::string ca_file{};  // PEM; empty: the system's CAs
  bool operator==(const DohServer&) const = default;
};

/// A public resolver's word is one opinion: a proof needs this many.
inline constexpr std::size_t kLeastDoh = 3;

/// The servers of these URLs, each with the CA file. ErrorCode::config for what is no https URL
/// (http is for loopback), for the same host twice, and for fewer than kLeastDoh.
Result<std::vector<DohServer>> parse_doh_servers(const std::vector<std::string>& urls,
                                                 const std::string& ca_file);

struct DohAnswer {
  std::string bytes;
  std::uint32_t age = 0;  // seconds in HTTP caches: to be taken off every TTL (RFC 8484 §5.1)
};

/// ErrorCode::timeout, network, tls, refused or protocol: all mean that nothing is known.
Result<DohAnswer> doh_exchange(const DohServer& server, const std::string& query,
                               std::chrono::milliseconds patience, std::stop_token stop);

}  // namespace mxferry::net
