// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "protocol/dns/message.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::dns {
namespace {

TEST(DnsName, CanonicalIsLowerCaseAbsoluteAndBounded) {
  EXPECT_EQ(canonical_name("Example.COM").value(), "example.com.");
  EXPECT_EQ(canonical_name(".").value(), ".");
  EXPECT_EQ(canonical_name("a\\.b.test").value(), "a\\.b.test.");
  EXPECT_TRUE(canonical_name(std::string(63, 'a') + ".test"));
  EXPECT_FALSE(canonical_name(std::string(64, 'a') + ".test"));
  EXPECT_FALSE(canonical_name("a..b"));
  EXPECT_FALSE(canonical_name(""));
}

TEST(DnsName, WithinGoesByLabel) {
  EXPECT_TRUE(is_within("www.example.com.", "example.com."));
  EXPECT_FALSE(is_within("notexample.com.", "example.com."));
  EXPECT_TRUE(is_within("anything.", "."));
  EXPECT_EQ(parent_of("a.b."), "b.");
  EXPECT_EQ(parent_of("b."), ".");
}

TEST(DnsName, WireRefusesLoopsAndOverruns) {
  const std::string loop = std::string("\xc0\x00", 2);
  std::size_t at = 0;
  EXPECT_FALSE(name_from_wire(loop, at));
  at = 0;
  EXPECT_FALSE(name_from_wire(std::string("\x05"
                                          "ab",
                                          3),
                              at));
  const auto wire = name_to_wire("mail.example.com.");
  at = 0;
  EXPECT_EQ(name_from_wire(wire, at).value(), "mail.example.com.");
  EXPECT_EQ(at, wire.size());
}

TEST(DnsRdata, CanonicalSpellingMakesEqualDataEqual) {
  EXPECT_EQ(canonical_rdata("MX", "010  Mail.Example.COM.").value(), "10 mail.example.com.");
  EXPECT_FALSE(canonical_rdata("MX", "10 mail"));
  EXPECT_FALSE(canonical_rdata("MX", "70000 mail."));
  EXPECT_EQ(canonical_rdata("TXT", "\"a\"\"b\"").value(), "\"a\" \"b\"");
  EXPECT_EQ(canonical_rdata("TXT", "v=spf1").value(), "\"v=spf1\"");
  EXPECT_FALSE(canonical_rdata("TXT", "\"open"));
  EXPECT_EQ(canonical_rdata("AAAA", "2001:DB8:0:0:0:0:0:1").value(), "2001:db8::1");
  EXPECT_EQ(txt_text(txt_rdata(std::string(300, 'x'))).value(), std::string(300, 'x'));
  EXPECT_EQ(txt_text(txt_rdata("q\"\\\x01")).value(), "q\"\\\x01");
}

TEST(DnsMessage, QueryRoundTripsAndTruncatedPrefixesAreNothing) {
  Query query;
  query.id = 0x1234;
  query.question = {"example.com.", "MX"};
  query.recursion_desired = true;
  const auto bytes = encode_query(query);
  const auto message = decode_message(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, 0x1234);
  EXPECT_TRUE(message->recursion_desired);
  EXPECT_EQ(message->questions.at(0), query.question);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode_message(std::string_view(bytes).substr(0, n))) << n;
}

TEST(DnsMessage, AnswerCarriesTtlAndCompressedNames) {
  std::string m("\x12\x34\x84\x00\x00\x01\x00\x02\x00\x00\x00\x00", 12);
  m += name_to_wire("example.com.") + std::string("\x00\x0f\x00\x01", 4);
  m += std::string("\xc0\x0c\x00\x0f\x00\x01\x00\x00\x00\x28\x00\x09\x00\x0a\x04mail\xc0\x0c", 21);
  m += std::string(
      "\xc0\x0c\x00\x10\x00\x01\xff\xff\xff\xff\x00\x04\x03"
      "abc",
      16);
  const auto message = decode_message(m);
  ASSERT_TRUE(message);
  ASSERT_EQ(message->answers.size(), 2U);
  EXPECT_TRUE(message->authoritative);
  EXPECT_EQ(message->answers[0], (Record{"example.com.", "MX", 40, "10 mail.example.com."}));
  EXPECT_EQ(message->answers[1].ttl, 0U);  // RFC 2181 §8
  EXPECT_EQ(message->answers[1].rdata, "\"abc\"");
}

TEST(ZoneDiff, EditingASetKeepsForeignStrings) {
  const std::vector<std::string> set = {"\"google-site-verification=x\"",
                                        "\"v=spf1 mx \" \"-all\""};
  const auto edited = edit_set("TXT", set, {"\"v=spf1 mx -all\""}, {"\"v=spf1 include:n -all\""});
  ASSERT_TRUE(edited);
  EXPECT_TRUE(
      same_set("TXT", *edited, {"\"v=spf1 include:n -all\"", "\"google-site-verification=x\""}));
  EXPECT_FALSE(edit_set("TXT", set, {"\"v=spf1 gone\""}, {}));
  EXPECT_TRUE(same_set("MX", {"10 A.test.", "20 b.test."}, {"20 B.TEST.", "10 a.test."}));
  EXPECT_FALSE(same_set("MX", {"10 a.test."}, {"10 a"}));
}

TEST(Rdata, TheGenericSpellingKeepsItsMark) {
  EXPECT_EQ(canonical_rdata("TYPE65400", "\\# 4 c0000201").value(), "\\# 4 c0000201");
  EXPECT_EQ(canonical_rdata("DNSKEY", "\\#  2\t0102").value(), "\\# 2 0102");
}

}  // namespace
}  // namespace mxferry::dns
