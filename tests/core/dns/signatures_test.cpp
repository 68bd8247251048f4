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
  return judge_signatures(m, keys(), {"alpha.test.", "MX"}, "alpha.test.",
                          {Instant(Seconds(now)), Millis(0)});
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

TEST(Signatures, OneThatEndsBeforeOlderAnswersHaveRunOutIsNotEnough) {
  EXPECT_TRUE(judged(answer(), 1960).passed());
  EXPECT_THAT(judged(answer(), 1961).why, HasSubstr("ends within 40 s,")) << "its own TTL is 40";
  const auto kept = [](std::int64_t seconds) {
    return judge_signatures(answer(), keys(), {"alpha.test.", "MX"}, "alpha.test.",
                            {Instant(Seconds(1500)), Millis(seconds * 1000)});
  };
  EXPECT_TRUE(kept(500).passed());
  EXPECT_THAT(kept(501).why, HasSubstr("before older answers have run out"));
}

// Of alpha.test.: the apex with MX and RRSIG, then www.alpha.test. with A, then the apex again.
std::string bits(const std::string& octets) {
  return std::string(1, '\0') + number(static_cast<std::uint32_t>(octets.size()), 1) + octets;
}
void add_link(Message& m, const std::string& owner, const std::string& next,
              const std::string& octets, std::uint32_t to = 2000) {
  m.authority.push_back({owner, "NSEC", 10, generic(name_to_wire(next) + bits(octets))});
  m.authority.push_back(
      {owner, "RRSIG", 10,
       generic(number(47, 2) + number(13, 1) + number(2, 1) + number(10, 4) + number(to, 4) +
               number(1000, 4) + number(kTag, 2) + name_to_wire("alpha.test.") + "signature")});
}
const std::string kMxOnly("\0\x01", 2);  // type 15

TEST(Signatures, AnAbsentSetNeedsItsProof) {
  const auto denied = [](const Message& m, const std::string& name, const std::string& type,
                         std::int64_t now = 1500) {
    return judge_signatures(m, keys(), {name, type}, "alpha.test.", {Instant(Seconds(now)), {}});
  };
  EXPECT_THAT(judged(Message()).why, HasSubstr("absent without a proof"));
  Message apex;
  add_link(apex, "alpha.test.", "www.alpha.test.", kMxOnly);
  EXPECT_TRUE(denied(apex, "alpha.test.", "TXT").passed());
  EXPECT_FALSE(denied(apex, "alpha.test.", "MX").passed()) << "the link says that it is there";
  EXPECT_TRUE(denied(apex, "key.alpha.test.", "TXT").passed())
      << "neither the name nor a wildcard lies between";
  EXPECT_FALSE(denied(apex, "zzz.alpha.test.", "TXT").passed()) << "behind the link";
  EXPECT_FALSE(denied(apex, "key.alpha.test.", "TXT", 2001).passed()) << "its RRSIG has ended";
  auto unsigned_link = apex;
  unsigned_link.authority.pop_back();
  EXPECT_FALSE(denied(unsigned_link, "key.alpha.test.", "TXT").passed());
}

TEST(Signatures, AProofThatDeniesWhatIsThereIsFound) {
  const auto listed = [](const Message& m, const std::string& type) {
    return judge_listed(m, keys(), {"alpha.test.", type}, "alpha.test.",
                        {Instant(Seconds(1500)), {}});
  };
  Message apex;
  add_link(apex, "alpha.test.", "www.alpha.test.", kMxOnly);
  EXPECT_TRUE(listed(apex, "MX").passed());
  EXPECT_THAT(listed(apex, "TXT").why, HasSubstr("deny it")) << "a stale link";
  EXPECT_THAT(listed(Message(), "MX").why, HasSubstr("proves nothing"));
}

}  // namespace
}  // namespace mxferry::dns
