// SPDX-License-Identifier: Apache-2.0
#include "mxferry/dns_records.hpp"

#include <gtest/gtest.h>

namespace mxferry::sdk {
namespace {

std::vector<StoredRecord> stored(const std::string& type, const std::vector<std::string>& rdata,
                                 std::uint32_t ttl = 300) {
  std::vector<StoredRecord> out;
  for (const auto& one : rdata)
    out.push_back({"id" + std::to_string(out.size()), "a.test.", type, ttl, one});
  return out;
}
RRset wanted(const std::string& type, const std::vector<std::string>& rdata,
             std::uint32_t ttl = 300) {
  RRset out{"a.test.", type, ttl, {}, {}};
  for (const auto& one : rdata) out.records.push_back({one});
  return out;
}
std::string words(const std::vector<RecordStep>& steps) {
  std::string out;
  for (const auto& step : steps) {
    using Kind = RecordStep::Kind;
    out += step.kind == Kind::create   ? "+" + step.now.rdata
           : step.kind == Kind::update ? step.old.rdata + ">" + step.now.rdata
                                       : "-" + step.old.rdata;
    out += "; ";
  }
  return out;
}

TEST(DnsRecords, NamesAreComparedByLabels) {
  EXPECT_TRUE(lies_in("a.example.com.", "example.com."));
  EXPECT_TRUE(lies_in("example.com.", "example.com."));
  EXPECT_FALSE(lies_in("notexample.com.", "example.com."));
  EXPECT_EQ(relative_name("a.b.example.com.", "example.com.", "@"), "a.b");
  EXPECT_EQ(relative_name("example.com.", "example.com.", "@"), "@");
  EXPECT_EQ(absolute_name("A.b", "example.com."), "a.b.example.com.");
  EXPECT_EQ(absolute_name("", "example.com."), "example.com.");
  EXPECT_EQ(host_in_zone("MX", "10 mx", "example.com."), "10 mx.example.com.");
  EXPECT_EQ(host_in_zone("CNAME", "@", "example.com."), "example.com.");
  EXPECT_EQ(host_in_zone("A", "192.0.2.1", "example.com."), "192.0.2.1");
}

TEST(DnsRecords, ATextComesBackFromItsPresentation) {
  for (const std::string& text :
       {std::string("v=spf1 -all"), std::string(255, 'a'), std::string(256, 'a'),
        std::string(700, 'b'), std::string("a\"b\\c;d"), std::string("nul\0\n\xff", 6),
        std::string()}) {
    EXPECT_EQ(txt_bytes(txt_rdata(text)), text);
    for (const auto& word : fields_of(txt_rdata(text))) EXPECT_LE(txt_bytes(word).size(), 255U);
  }
  EXPECT_EQ(txt_as_read("bare text"), "\"bare text\"");
  EXPECT_EQ(txt_as_read("\"a\" \"b\""), "\"ab\"");
}

TEST(DnsRecords, WhatAnApiWouldAlterIsRefused) {
  TxtRules rules;
  rules.most = 10;
  rules.forbidden = "\"";
  EXPECT_EQ(*plain_txt("\"abc\" \"def\"", rules), "abcdef");
  for (const std::string rdata :
       {"\"\"", "\"a\\\"b\"", "\"12345678901\"", "\" a\"", "\"a \"", "\"\\000\"", "\"\\255\""})
    EXPECT_FALSE(plain_txt(rdata, rules)) << rdata;
}

TEST(DnsRecords, StepsNeverEmptyASetAndChangeAStringInPlace) {
  EXPECT_EQ(words(steps_between(stored("MX", {"10 a.", "20 b."}), wanted("MX", {"5 c."}))),
            "10 a.>5 c.; -20 b.; ");
  EXPECT_EQ(words(steps_between(stored("MX", {"10 a."}), wanted("MX", {"5 c.", "6 d."}))),
            "10 a.>5 c.; +6 d.; ");
  EXPECT_EQ(words(steps_between(stored("MX", {"10 a.", "20 b."}), wanted("MX", {"10 b."}))),
            "20 b.>10 b.; -10 a.; ");
  EXPECT_EQ(words(steps_between(stored("TXT", {"\"x=1\"", "\"v=spf1 a -all\""}),
                                wanted("TXT", {"\"v=spf1 b -all\"", "\"x=1\"", "\"y=2\""}))),
            "\"v=spf1 a -all\">\"v=spf1 b -all\"; +\"y=2\"; ");
  EXPECT_EQ(words(steps_between(stored("TXT", {"\"x=1\""}, 60), wanted("TXT", {"\"x=1\""}))),
            "\"x=1\">\"x=1\"; ");
  EXPECT_EQ(words(steps_between(stored("A", {"192.0.2.1"}), wanted("A", {"192.0.2.1"}))), "");
  EXPECT_EQ(words(steps_between(stored("MX", {"10 a."}), {})), "-10 a.; ");
}

TEST(DnsRecords, ARecordKeepsItsIdAndWhatElseItCarries) {
  auto have = stored("MX", {"10 a."});
  have[0].extra = R"({"comment":"x"})";
  const auto steps = steps_between(have, wanted("MX", {"10 b."}));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].now.id, "id0");
  EXPECT_EQ(steps[0].now.extra, have[0].extra);
}

TEST(DnsRecords, GroupsTakeTheLargestTtlAndNoIdTwice) {
  auto records = stored("MX", {"10 a.", "20 b."});
  records[1].ttl = 900;
  const auto sets = grouped(records);
  ASSERT_TRUE(sets);
  ASSERT_EQ(sets->size(), 1U);
  EXPECT_EQ((*sets)[0].ttl, 900U);
  records[1].id = records[0].id;
  EXPECT_FALSE(grouped(records));
}

TEST(DnsRecords, AZoneIsFoundByItsVeryName) {
  const std::vector<Zone> zones = {{"example.com."}, {"twice.test."}, {"twice.test."}};
  EXPECT_TRUE(pick_zone(zones, "example.com."));
  const auto part = pick_zone(zones, "mail.example.com.");
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().status, MXF_NOT_FOUND);
  EXPECT_NE(part.error().text.find("part of zone example.com."), std::string::npos);
  EXPECT_EQ(pick_zone(zones, "notexample.com.").error().text.find("part of"), std::string::npos);
  EXPECT_EQ(pick_zone(zones, "twice.test.").error().status, MXF_CONFLICT);
}

}  // namespace
}  // namespace mxferry::sdk
