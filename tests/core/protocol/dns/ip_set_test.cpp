// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/ip_set.hpp"

#include <gtest/gtest.h>

#include <random>

namespace mxferry::dns {
namespace {

IpSet net(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash)).value();
  return IpSet::network(address, slash == std::string::npos ? (address.is_v4() ? 32 : 128)
                                                            : std::stoi(text.substr(slash + 1)));
}
using Terms = std::vector<std::string>;

TEST(IpSet, NeighboursBecomeOneNetwork) {
  EXPECT_EQ((net("192.0.2.0/25") | net("192.0.2.128/25")), net("192.0.2.0/24"));
  EXPECT_EQ((net("192.0.2.0/24") | net("192.0.2.7")), net("192.0.2.0/24"));
  EXPECT_EQ((net("2001:db8::/33") | net("2001:db8:8000::/33")).spf_terms(),
            Terms{"ip6:2001:db8::/32"});
  EXPECT_EQ((net("192.0.2.1") | net("192.0.2.2")).spf_terms(),
            (Terms{"ip4:192.0.2.1", "ip4:192.0.2.2"}));
}

TEST(IpSet, WhatIsTakenOutIsGone) {
  const auto rest = net("192.0.2.0/24") - net("192.0.2.5");
  EXPECT_FALSE(rest.contains(parse_ip("192.0.2.5").value()));
  EXPECT_TRUE(rest.contains(parse_ip("192.0.2.4").value()));
  EXPECT_TRUE(net("192.0.2.0/24").contains(rest));
  EXPECT_FALSE(rest.contains(net("192.0.2.0/24")));
  EXPECT_EQ(rest | net("192.0.2.5"), net("192.0.2.0/24"));
  EXPECT_EQ(rest.spf_terms().size(), 8U);
  EXPECT_TRUE((rest - net("0.0.0.0/0")).empty());
}

TEST(IpSet, FamiliesStayApart) {
  EXPECT_FALSE(net("::/0").contains(parse_ip("192.0.2.1").value()));
  EXPECT_TRUE(net("::/0").contains(parse_ip("2001:db8::1").value()));
  EXPECT_EQ(net("::/0") | net("0.0.0.0/0"), IpSet::everything());
  EXPECT_EQ(net("0.0.0.0/0").spf_terms(), Terms{"ip4:0.0.0.0/0"});
  EXPECT_TRUE((IpSet::everything() - IpSet::everything()).empty());
  EXPECT_EQ(IpSet::everything() | net("255.255.255.255"), IpSet::everything());
  EXPECT_EQ((IpSet::everything() - net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")) |
                net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            IpSet::everything());
}

// Random networks, judged address by address.
TEST(IpSet, AgreesWithCountingAddresses) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    IpSet one;
    IpSet other;
    std::vector<bool> in_one(256);
    std::vector<bool> in_other(256);
    for (int i = 0; i < 6; ++i) {
      const int prefix = 24 + static_cast<int>(random() % 9);
      const int first = static_cast<int>(random() % 256) & (0xff << (32 - prefix));
      auto& set = i % 2 == 0 ? one : other;
      set = set | net("192.0.2." + std::to_string(first) + "/" + std::to_string(prefix));
      for (int at = 0; at < 1 << (32 - prefix); ++at)
        (i % 2 == 0 ? in_one : in_other)[static_cast<std::size_t>(first + at)] = true;
    }
    const auto both = one | other;
    const auto rest = one - other;
    const auto common = one & other;
    IpSet again;
    for (const auto& term : rest.spf_terms()) again = again | net(term.substr(4));
    EXPECT_EQ(again, rest);
    for (std::size_t at = 0; at < 256; ++at) {
      const auto address = parse_ip("192.0.2." + std::to_string(at)).value();
      EXPECT_EQ(both.contains(address), in_one[at] || in_other[at]);
      EXPECT_EQ(rest.contains(address), in_one[at] && !in_other[at]);
      EXPECT_EQ(common.contains(address), in_one[at] && in_other[at]);
    }
  }
}

}  // namespace
}  // namespace mxferry::dns
