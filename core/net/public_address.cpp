// SPDX-License-Identifier: Apache-2.0
#include "net/public_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace mxferry::net {
namespace {

struct Block {
  std::uint32_t net;
  int bits;
};

// RFC 6890 §2.2.2, RFC 5771, RFC 1112 §4.
constexpr std::array<Block, 15> kSpecial = {{{0x00000000, 8},
                                             {0x0a000000, 8},
                                             {0x64400000, 10},
                                             {0x7f000000, 8},
                                             {0xa9fe0000, 16},
                                             {0xac100000, 12},
                                             {0xc0000000, 24},
                                             {0xc0000200, 24},
                                             {0xc0a80000, 16},
                                             {0xc6120000, 15},
                                             {0xc6336400, 24},
                                             {0xcb007100, 24},
                                             {0xe0000000, 4},
                                             {0xf0000000, 4},
                                             {0xc0586300, 24}}};

bool is_public_v4(std::uint32_t address) {
  return std::none_of(kSpecial.begin(), kSpecial.end(), [&](const Block& block) {
    return (address >> (32 - block.bits)) == (block.net >> (32 - block.bits));
  });
}

}  // namespace

bool is_public_address(const std::string& address) {
  in_addr v4{};
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return is_public_v4(ntohl(v4.s_addr));
  in6_addr v6{};
  if (::inet_pton(AF_INET6, address.c_str(), &v6) != 1) return false;
  const auto* b = v6.s6_addr;
  // Only 2000::/3 is given out (RFC 4291 §2.4); in it, 2001::/23, 2001:db8::/32 and 6to4 lead
  // elsewhere.
  if ((b[0] & 0xe0U) != 0x20U) return false;
  if (b[0] == 0x20 && b[1] == 0x01 && (b[2] & 0xfeU) == 0) return false;
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8) return false;
  return !(b[0] == 0x20 && b[1] == 0x02);
}

}  // namespace mxferry::net
