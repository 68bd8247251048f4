// SPDX-License-Identifier: Apache-2.0
// The times of a SOA record (RFC 1035 §3.3.13), in seconds. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mxferry::dns {

struct Soa {
  std::uint32_t serial = 0;
  std::uint32_t refresh = 0, retry = 0, expire = 0;  // of secondaries
  std::uint32_t minimum = 0;                         // bounds what is kept of "no such name"
};

/// From rdata in presentation form; nothing where a field is missing.
std::optional<Soa> parse_soa(std::string_view rdata);

/// How long a resolver keeps "no such name": min(TTL of the SOA, MINIMUM) (RFC 2308 §5).
std::uint32_t negative_ttl_of(const Soa& soa, std::uint32_t ttl);

}  // namespace mxferry::dns
