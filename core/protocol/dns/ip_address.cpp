// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace mxferry::dns {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

}  // namespace

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), octets.begin()); }

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (is_v4())
    ::inet_ntop(AF_INET, octets.data() + kMapped.size(), out.data(), out.size());
  else
    ::inet_ntop(AF_INET6, octets.data(), out.data(), out.size());
  return out.data();
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  const std::string word(text);
  if (word.find('\0') != std::string::npos) return std::nullopt;
  IpAddress out;
  if (::inet_pton(AF_INET6, word.c_str(), out.octets.data()) == 1) return out;
  std::copy(kMapped.begin(), kMapped.end(), out.octets.begin());
  if (::inet_pton(AF_INET, word.c_str(), out.octets.data() + kMapped.size()) == 1) return out;
  return std::nullopt;
}

bool same_network(const IpAddress& one, const IpAddress& other, int prefix) {
  if (one.is_v4() != other.is_v4()) return false;
  const int bits = one.is_v4() ? kMappedBits + prefix : prefix;
  for (int bit = 0; bit < bits; bit += 8) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int here = std::min(8, bits - bit);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> static_cast<unsigned>(here));
    if (((one.octets.at(at) ^ other.octets.at(at)) & mask) != 0) return false;
  }
  return true;
}

std::string reverse_name(const IpAddress& address) {
  std::string out;
  if (address.is_v4()) {
    for (std::size_t at = 16; at-- > kMapped.size();)
      out += std::to_string(address.octets.at(at)) + ".";
    return out + "in-addr.arpa.";
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t at = 16; at-- > 0;) {
    out += kHex[address.octets.at(at) & 0xfU];
    out += '.';
    out += kHex[address.octets.at(at) >> 4U];
    out += '.';
  }
  return out + "ip6.arpa.";
}

}  // namespace mxferry::dns
