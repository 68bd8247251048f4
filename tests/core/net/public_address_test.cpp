// SPDX-License-Identifier: Apache-2.0
#include "net/public_address.hpp"

#include <gtest/gtest.h>

namespace mxferry::net {
namespace {

TEST(PublicAddress, ThisMachineAndItsNetAreNotPublic) {
  for (const auto* address :
       {"0.0.0.0",     "10.0.0.1",        "100.64.0.1",    "100.127.255.255", "127.0.0.1",
        "127.77.0.20", "169.254.169.254", "172.16.0.1",    "172.31.255.255",  "192.168.0.1",
        "192.0.2.1",   "198.18.0.1",      "224.0.0.1",     "255.255.255.255", "::",
        "::1",         "::ffff:8.8.8.8",  "fe80::1",       "fd00::1",         "ff02::1",
        "2001:db8::1", "2001::1",         "2002:7f00:1::", "64:ff9b::7f00:1", "",
        "localhost",   "127.1",           "8.8.8.8/8"})
    EXPECT_FALSE(is_public_address(address)) << address;
}

TEST(PublicAddress, TheRestIs) {
  for (const auto* address :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.0.1", "100.128.0.1", "172.15.255.255",
        "172.32.0.0", "223.255.255.255", "2606:4700::1", "2a00:1450::5", "2001:200::1"})
    EXPECT_TRUE(is_public_address(address)) << address;
}

}  // namespace
}  // namespace mxferry::net
