// SPDX-License-Identifier: Apache-2.0
// IP addresses as values of one ordered space: an IPv4 address stands at ::ffff:a.b.c.d (RFC 4291
// §2.5.5.2), so that both families compare, and an IPv4-mapped IPv6 client is the IPv4 client that
// it is (RFC 7208 §5). Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mxferry::dns {

struct IpAddress {
  std::array<std::uint8_t, 16> octets{};  // network order
  auto operator<=>(const IpAddress&) const = default;
  bool is_v4() const;
  /// As people write it: "192.0.2.1", "2001:db8::1" (RFC 5952 as inet_ntop does it).
  std::string text() const;
};

/// Nothing where the text is no address of either family; no port, no zone, no leading zeros.
std::optional<IpAddress> parse_ip(std::string_view text);

/// Are both of one family and equal in the first `prefix` bits, counted as that family counts (0 to
/// 32 or 0 to 128)?
bool same_network(const IpAddress& one, const IpAddress& other, int prefix);

/// The name below which an address has its PTR record (RFC 1035 §3.5, RFC 3596 §2.5), canonical.
std::string reverse_name(const IpAddress& address);

}  // namespace mxferry::dns
