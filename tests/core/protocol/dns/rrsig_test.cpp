// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/rrsig.hpp"

#include <gtest/gtest.h>

#include "protocol/dns/name.hpp"

namespace mxferry::dns {
namespace {

std::string hex(const std::string& bytes) {
  static const char* digits = "0123456789abcdef";
  std::string out;
  for (const unsigned char c : bytes) {
    out += digits[c >> 4U];
    out += digits[c & 15U];
  }
  return out;
}
std::string generic(const std::string& bytes) {
  return "\\# " + std::to_string(bytes.size()) + " " + hex(bytes);
}
std::string number(std::uint32_t value, int octets) {
  std::string out;
  for (int i = octets - 1; i >= 0; --i)
    out += static_cast<char>((value >> (8U * static_cast<unsigned>(i))) & 0xffU);
  return out;
}
std::string rrsig(std::uint32_t inception, std::uint32_t expiration) {
  return generic(number(15, 2) + number(13, 1) + number(2, 1) + number(40, 4) +
                 number(expiration, 4) + number(inception, 4) + number(60485, 2) +
                 name_to_wire("alpha.test.") + "signature");
}

TEST(Rrsig, ItsFieldsAreRead) {
  const auto read = parse_rrsig(rrsig(1000, 2000));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->covers, "MX");
  EXPECT_EQ(read->algorithm, 13);
  EXPECT_EQ(read->original_ttl, 40U);
  EXPECT_EQ(read->key_tag, 60485);
  EXPECT_EQ(read->signer, "alpha.test.");
}

TEST(Rrsig, IsValidFromInceptionToExpirationAndNotASecondLonger) {
  const auto read = *parse_rrsig(rrsig(1000, 2000));
  const auto at = [](std::int64_t seconds) { return Instant(Seconds(seconds)); };
  EXPECT_FALSE(is_current(read, at(999)));
  EXPECT_TRUE(is_current(read, at(1000)));
  EXPECT_TRUE(is_current(read, at(2000)));
  EXPECT_FALSE(is_current(read, at(2001)));
  // Across the end of 32 bits, in 2106 (RFC 4034 §3.1.5).
  const auto late = *parse_rrsig(rrsig(0xfffffff0U, 0x10U));
  EXPECT_TRUE(is_current(late, at(0x100000000LL)));
  EXPECT_FALSE(is_current(late, at(0x100000011LL)));
}

TEST(Rrsig, WhatIsCutShortIsNothing) {
  const auto whole = rrsig(1, 2);
  const auto bytes = number(15, 2) + number(13, 1) + number(2, 1) + number(40, 4) + number(2, 4) +
                     number(1, 4) + number(60485, 2) + name_to_wire("alpha.test.");
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    EXPECT_FALSE(parse_rrsig(generic(bytes.substr(0, size)))) << size;
  EXPECT_FALSE(parse_rrsig("MX 13 2 40 2 1 60485 alpha.test. AAAA"));
  EXPECT_FALSE(parse_rrsig("\\# 3 0102"));
  EXPECT_FALSE(parse_rrsig(""));
}

TEST(Dnskey, TheTagIsTheSumOfAppendixB) {
  // 0x0101 + 0x0305 + 0xabcd = 0xafd3.
  EXPECT_EQ(dnskey_tag("\\# 6 01010305abcd"), 0xafd3);
  // 0xffff + 0xffff + 0xff00 = 0x2fefe; the carry is added: 0xfefe + 2.
  EXPECT_EQ(dnskey_tag("\\# 5 ffffffffff"), 0xff00);
  EXPECT_FALSE(dnskey_tag("\\# 7 01010305abcd")) << "the length must fit";
  EXPECT_FALSE(dnskey_tag("\\# 4 01010305"));
}

// RFC 4034 §5.4 (SHA-1) and RFC 4509 §2.3 (SHA-256): two DS records of the same key.
const char* const kKey =
    "\\# 134 0100030501039e8a247418e318903b215a848acfd5f37f026bd4062db26c774c690968d5"
    "d56df8bfda91e6f36d9a279888f41333357c5e6029990d10fdf5663062a512763326980a615ddbf1"
    "7a05ddfcce7e5fb3abcca05a31b0957452d4521e83870789063115bf97f6c308ccf57cdc9ce7fe10"
    "f6ed1bd0cc0660038c50dcdb0feb963c2f17";
const char* const kZone = "dskey.example.com.";

TEST(Ds, NamesItsKeyByTheDigestsOfTheRfcs) {
  EXPECT_EQ(dnskey_tag(kKey), 60485);
  EXPECT_EQ(ds_names(kZone, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118", kKey), true);
  EXPECT_EQ(ds_names(kZone,
                     "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B83"
                     " 83F6A1E4469DA50A",
                     kKey),
            true);
}

TEST(Ds, NamesNoOtherKey) {
  const std::string digest = " 2bb183af5f22588179a53b0a98631fad1a292118";
  EXPECT_EQ(ds_names("example.com.", "60485 5 1" + digest, kKey), false);
  EXPECT_EQ(ds_names(kZone, "60486 5 1" + digest, kKey), false);
  EXPECT_EQ(ds_names(kZone, "60485 8 1" + digest, kKey), false);
  EXPECT_EQ(ds_names(kZone, "60485 5 2" + digest, kKey), false);
  EXPECT_EQ(ds_names(kZone, "60485 5 1" + digest, "\\# 4 01000305"), false);
  EXPECT_EQ(ds_names(kZone, "60485 5 1" + digest, generic(number(0, 2) + "\3\5key")), false);
}

TEST(Ds, ADigestThatNobodyHereComputesSaysNothing) {
  EXPECT_EQ(ds_names(kZone, "60485 5 3 00", kKey), std::nullopt);
  EXPECT_EQ(ds_names(kZone, "60485 five 1 00", kKey), std::nullopt);
}

}  // namespace
}  // namespace mxferry::dns
