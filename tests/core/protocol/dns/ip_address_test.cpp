// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/ip_address.hpp"

#include <gtest/gtest.h>

namespace mxferry::dns {
namespace {

TEST(IpAddress, ReadsBothFamiliesIntoOneOrder) {
  EXPECT_EQ(parse_ip("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(parse_ip("2001:DB8::1")->text(), "2001:db8::1");
  EXPECT_EQ(parse_ip("::ffff:192.0.2.1"), parse_ip("192.0.2.1"));
  EXPECT_TRUE(parse_ip("192.0.2.1")->is_v4());
  EXPECT_FALSE(parse_ip("::1")->is_v4());
  EXPECT_LT(parse_ip("192.0.2.1"), parse_ip("192.0.2.2"));
  for (const char* text : {"", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1:53", "::1%lo",
                           "[::1]", "1:2:3", "mx.example"})
    EXPECT_FALSE(parse_ip(text)) << text;
  EXPECT_FALSE(parse_ip(std::string_view("192.0.2.1\0x", 11)));
}

TEST(IpAddress, ANetworkIsItsFirstBits) {
  const auto one = parse_ip("192.0.2.129").value();
  const auto other = parse_ip("192.0.2.131").value();
  EXPECT_TRUE(same_network(one, other, 30));
  EXPECT_FALSE(same_network(one, other, 31));
  EXPECT_TRUE(same_network(one, parse_ip("10.0.0.1").value(), 0));
  EXPECT_FALSE(same_network(one, parse_ip("::1").value(), 0)) << "never across families";
  EXPECT_TRUE(same_network(parse_ip("2001:db8::1").value(), parse_ip("2001:db8::2").value(), 126));
  EXPECT_FALSE(same_network(parse_ip("2001:db8::1").value(), parse_ip("2001:db8::2").value(), 127));
}

TEST(IpAddress, HasANameToAskFor) {
  EXPECT_EQ(reverse_name(parse_ip("192.0.2.3").value()), "3.2.0.192.in-addr.arpa.");
  EXPECT_EQ(reverse_name(parse_ip("2001:db8::cb01").value()),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
}

}  // namespace
}  // namespace mxferry::dns
