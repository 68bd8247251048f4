// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/nsec.hpp"

#include <gtest/gtest.h>

#include "protocol/dns/name.hpp"

namespace mxferry::dns {
namespace {

std::string generic(const std::string& bytes) {
  static const char* digits = "0123456789abcdef";
  std::string out = "\\# " + std::to_string(bytes.size()) + " ";
  for (const unsigned char c : bytes) {
    out += digits[c >> 4U];
    out += digits[c & 15U];
  }
  return out;
}

std::string hexadecimal(const std::string& octets) {
  const auto text = generic(octets);
  return text.substr(text.rfind(' ') + 1);
}

DenialRecord link(const std::string& owner, const std::string& next,
                  const std::set<std::string>& types) {
  DenialRecord out;
  out.owner = owner;
  out.next = next;
  out.types = types;
  return out;
}

// RFC 4034 §6.1's own example, in its order.
TEST(Nsec, NamesComeInCanonicalOrder) {
  const std::vector<std::string> names = {
      "example.",   "a.example.",       "yljkjljk.a.example.", "z.a.example.",    "zabc.a.example.",
      "z.example.", "\\001.z.example.", "*.z.example.",        "\\200.z.example."};
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t j = 0; j < names.size(); ++j) {
      const int order = compare_canonical(names[i], names[j]);
      EXPECT_EQ(order < 0, i < j) << names[i] << " " << names[j];
      EXPECT_EQ(order == 0, i == j);
    }
}

// RFC 4034 §4.3's own example: A, MX, RRSIG, NSEC and TYPE1234.
TEST(Nsec, ItsTypesAreReadFromTheirWindows) {
  const std::string bits = std::string("\x00\x06\x40\x01\x00\x00\x00\x03", 8) +
                           std::string("\x04\x1b", 2) + std::string(26, '\0') +
                           std::string("\x20", 1);
  const auto record =
      parse_nsec("alfa.example.com.", generic(name_to_wire("host.example.com.") + bits));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->next, "host.example.com.");
  EXPECT_EQ(record->types, (std::set<std::string>{"A", "MX", "RRSIG", "NSEC", "TYPE1234"}));
  for (std::size_t cut = 1; cut < bits.size(); ++cut) {
    const auto shorter = name_to_wire("host.example.com.") + bits.substr(0, cut);
    if (cut != 8) {
      EXPECT_FALSE(parse_nsec("a.example.", generic(shorter))) << cut;
    }
  }
}

// RFC 5155 Appendix A.
TEST(Nsec, HashesAreThoseOfTheRfc) {
  const std::string salt("\xaa\xbb\xcc\xdd", 4);
  // "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" in octets.
  EXPECT_EQ(hexadecimal(nsec3_hash("example.", salt, 12)),
            "065368abeed7ec6e9feba96b8c8bc3e8b791f716");
}

std::string nsec3_rdata(const std::string& next, const std::string& bits, unsigned iterations = 0) {
  std::string out("\x01\x00", 2);
  out += static_cast<char>(iterations >> 8U);
  out += static_cast<char>(iterations & 255U);
  out += '\0';
  out += static_cast<char>(next.size());
  return generic(out + next + bits);
}

std::string base32hex(const std::string& octets) {
  static const char* alphabet = "0123456789abcdefghijklmnopqrstuv";
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const unsigned char c : octets) {
    bits = (bits << 8U) | c;
    for (count += 8; count >= 5; count -= 5) out += alphabet[(bits >> (count - 5)) & 31U];
  }
  return out;
}

TEST(Nsec, APlainChainDeniesWhatLiesBetweenItsNames) {
  const std::vector<DenialRecord> chain = {link("a.test.", "k.a.test.", {"SOA", "MX"}),
                                           link("k.a.test.", "x.y.a.test.", {"TXT"}),
                                           link("x.y.a.test.", "a.test.", {"A"})};
  const auto denied = [&](const std::string& name, const std::string& type) {
    return denies(chain, "a.test.", name, type);
  };
  EXPECT_TRUE(denied("a.test.", "TXT"));
  EXPECT_FALSE(denied("a.test.", "MX"));
  EXPECT_TRUE(denied("b.a.test.", "MX"));
  EXPECT_TRUE(denied("z.a.test.", "MX")) << "behind the last name";
  EXPECT_TRUE(denied("y.a.test.", "MX")) << "an empty name with others below it";
  EXPECT_FALSE(denies({chain[1]}, "a.test.", "m.a.test.", "MX"))
      << "a wildcard may stand in another link";
  EXPECT_FALSE(denies({}, "a.test.", "m.a.test.", "MX"));
}

TEST(Nsec, AWildcardThatCouldAnswerIsNoDenial) {
  const std::vector<DenialRecord> chain = {link("a.test.", "*.a.test.", {"SOA"}),
                                           link("*.a.test.", "a.test.", {"MX"})};
  EXPECT_FALSE(denies(chain, "a.test.", "host.a.test.", "MX"));
  EXPECT_TRUE(denies(chain, "a.test.", "host.a.test.", "TXT"));
}

TEST(Nsec, AnAliasIsNoDenialOfWhatItLeadsTo) {
  EXPECT_FALSE(denies({link("k.a.test.", "z.a.test.", {"CNAME"})}, "a.test.", "k.a.test.", "TXT"));
}

TEST(Nsec, AHashedChainDeniesByTheNearestNameAbove) {
  // A zone of one name: its link leads to itself and covers every other hash.
  const auto own = nsec3_hash("a.test.", "", 0);
  const auto record = parse_nsec3(base32hex(own) + ".a.test.",
                                  nsec3_rdata(own, std::string("\x00\x02\x00\x01", 4)));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->types, std::set<std::string>{"MX"});
  EXPECT_TRUE(denies({*record}, "a.test.", "a.test.", "TXT"));
  EXPECT_FALSE(denies({*record}, "a.test.", "a.test.", "MX"));
  EXPECT_TRUE(denies({*record}, "a.test.", "key.a.test.", "TXT"));
  EXPECT_TRUE(denies({*record}, "a.test.", "deep.key.a.test.", "TXT"));
  EXPECT_FALSE(denies({*record}, "a.test.", "b.test.", "TXT")) << "another zone's";
  auto wild = *record;
  wild.owner_hash = nsec3_hash("*.a.test.", "", 0);
  EXPECT_FALSE(denies({*record, wild}, "a.test.", "key.a.test.", "MX")) << "a wildcard has it";
}

TEST(Nsec, AMalformedLinkIsNone) {
  const auto own = nsec3_hash("a.test.", "", 0);
  EXPECT_FALSE(parse_nsec3(base32hex(own) + ".a.test.", nsec3_rdata(own, "", 501)));
  EXPECT_FALSE(parse_nsec3("short.a.test.", nsec3_rdata(own, "")));
  EXPECT_FALSE(parse_nsec3(base32hex(own) + ".a.test.", nsec3_rdata(own.substr(1), "")));
  EXPECT_FALSE(parse_nsec3(base32hex(own) + ".a.test.", "\\# 2 0100"));
  EXPECT_FALSE(parse_nsec("a.test.", "\\# 0 "));
  EXPECT_FALSE(parse_nsec("a.test.", "text"));
}

}  // namespace
}  // namespace mxferry::dns
