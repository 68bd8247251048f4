// SPDX-License-Identifier: Apache-2.0
#include "dns/signatures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/dns/name.hpp"

namespace mxferry::dns {
namespace {

using ::testing::HasSubstr;

std::string generic(const std::string& bytes) {
  static const char* digits = "0123456789abcdef";
  std::string out = "\\# " + std::to_string(bytes.size()) + " ";
  for (const unsigned char c : bytes) {
    out += digits[c >> 4U];
    out += digits[c & 15U];
  }
  return out;
}
std::string number(std::uint32_t value, int octets) {
  std::string out;
  for (int i = octets - 1; i >= 0; --i)
    out += static_cast<char>((value >> (8U * static_cast<unsigned>(i))) & 0xffU);
  return out;
}

constexpr std::uint16_t kTag = 0xafd3;

Message keys() {
  Message m;
  m.answers.push_back({"alpha.test.", "DNSKEY", 40, "\\# 6 01010305abcd"});
  return m;
}
Message answer(std::uint16_t covers = 15, std::uint32_t from = 1000, std::uint32_t to = 2000,
               std::uint16_t tag = kTag, const std::string& signer = "alpha.test.") {
  Message m;
  m.answers.push_back({"alpha.test.", "MX", 40, "10 mx.new.test."});
  m.answers.push_back(
      {"alpha.test.", "RRSIG", 40,
       generic(number(covers, 2) + number(13, 1) + number(2, 1) + number(40, 4) + number(to, 4) +
               number(from, 4) + number(tag, 2) + name_to_wire(signer) + "signature")});
  return m;
}
Assertion judged(const Message& m, std::int64_t now = 1500) {
  return judge_signatures(m, keys(), {"alpha.test.", "MX"}, "alpha.test.", Instant(Seconds(now)));
}

TEST(Signatures, ACurrentOneByAKeyOfTheZonePasses) { EXPECT_TRUE(judged(answer()).passed()); }

TEST(Signatures, EachThingThatIsWrongIsNamed) {
  EXPECT_THAT(judged(answer(), 999).why, HasSubstr("not valid now"));
  EXPECT_THAT(judged(answer(), 2001).why, HasSubstr("not valid now"));
  EXPECT_THAT(judged(answer(16)).why, HasSubstr("has no RRSIG")) << "it covers TXT";
  EXPECT_THAT(judged(answer(15, 1000, 2000, 1)).why, HasSubstr("not in DNSKEY"));
  EXPECT_THAT(judged(answer(15, 1000, 2000, kTag, "test.")).why, HasSubstr("signed by test."));
  auto unsigned_set = answer();
  unsigned_set.answers.pop_back();
  EXPECT_EQ(judged(unsigned_set).verdict, Assertion::Verdict::fail);
}

TEST(Signatures, OneGoodOneAmongOldOnesIsEnough) {
  auto m = answer(15, 1, 2);
  m.answers.push_back(answer().answers.back());
  EXPECT_TRUE(judged(m).passed());
}

TEST(Signatures, AnAbsentSetIsNotJudged) { EXPECT_TRUE(judged(Message()).passed()); }

}  // namespace
}  // namespace mxferry::dns
