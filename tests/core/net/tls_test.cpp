// SPDX-License-Identifier: Apache-2.0
#include "net/tls.hpp"

#include <gtest/gtest.h>

namespace mxferry::net {
namespace {

TEST(Pin, IsSha256AndBase64Of32Octets) {
  EXPECT_TRUE(check_pin(""));
  EXPECT_TRUE(check_pin("sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
  for (const auto* pin : {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256:", "sha256:abc",
                          "sha1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                          "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
                          "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUx",
                          "sha256:!!!!Qpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="})
    EXPECT_FALSE(check_pin(pin)) << pin;
}

}  // namespace
}  // namespace mxferry::net
