// SPDX-License-Identifier: Apache-2.0
#include "app/dns_want.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/dns/rdata.hpp"

namespace mxferry::app {
namespace {

using ::testing::HasSubstr;

ZoneRRset set(const std::string& name, const std::string& type, std::uint32_t ttl,
              const std::vector<std::string>& data) {
  ZoneRRset out{name, type, ttl, {}, {}};
  for (const auto& rdata : data) out.records.push_back({rdata});
  return out;
}

ZoneSnapshot zone() {
  ZoneSnapshot out;
  out.zone = "example.com.";
  out.rrsets = {set("example.com.", "MX", 3600, {"10 mx.old.example."}),
                set("example.com.", "TXT", 300, {"\"v=spf1 mx -all\"", "\"other\""}),
                set("www.example.com.", "A", 300, {"192.0.2.1"})};
  return out;
}

Result<std::vector<ZoneChange>> changes(const std::string& want, std::uint32_t floor = 0) {
  auto read = parse_want(want, "example.com.", "want.json");
  if (!read) return fail(read.error());
  return changes_for(*read, zone(), floor);
}

TEST(DnsWant, ListedSetsAreMadeExactlySoAndOthersStay) {
  const auto out = changes(
      R"({"format":"mxferry-want/1","rrsets":[{"name":"@","type":"MX","data":["10 mx.new.example."]},
          {"name":"_dmarc","type":"TXT","ttl":600,"data":["v=DMARC1; p=none"]},
          {"name":"www.example.com.","type":"A","data":[]}]})");
  ASSERT_TRUE(out) << out.error().message();
  ASSERT_EQ(out->size(), 3U);
  EXPECT_EQ((*out)[0].after->ttl, 3600U) << "no ttl given: as it stands";
  EXPECT_EQ((*out)[1].after->records[0].rdata, "\"v=DMARC1; p=none\"");
  EXPECT_EQ((*out)[1].after->name, "_dmarc.example.com.");
  EXPECT_FALSE((*out)[2].after.has_value());
}

TEST(DnsWant, WhatStandsAlreadyNeedsNoChange) {
  const auto out = changes(
      R"({"format":"mxferry-want/1","zone":"Example.COM","rrsets":[{"name":"@","type":"MX","ttl":3600,"data":["10 MX.old.example."]}]})");
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_TRUE(out->empty());
}

TEST(DnsWant, ATtlBelowWhatTheApiTakesIsRefused) {
  const auto out = changes(
      R"({"format":"mxferry-want/1","rrsets":[{"name":"www","type":"A","ttl":10,"data":["192.0.2.1"]}]})",
      60);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ErrorCode::gate);
  EXPECT_THAT(out.error().text, HasSubstr("DC-07"));
  EXPECT_THAT(out.error().remedy, HasSubstr("60"));
  EXPECT_TRUE(changes(
      R"({"format":"mxferry-want/1","rrsets":[{"name":"www","type":"A","ttl":60,"data":["192.0.2.1"]}]})",
      60));
}

TEST(DnsWant, AnSpfRecordThatNothingReplacesIsDroppedOnlyByName) {
  for (const std::string head : {R"({"format":"mxferry-want/1",)", "{"}) {
    const std::string data = head == "{" ? "records" : "data";
    const auto sets = R"("rrsets":[{"name":"@","type":"TXT",")" + data + R"(":["other"]}])";
    const auto refused = changes(head + sets + "}");
    ASSERT_FALSE(refused) << head;
    EXPECT_EQ(refused.error().code, ErrorCode::gate);
    EXPECT_THAT(refused.error().text, HasSubstr("DC-04"));
    EXPECT_TRUE(changes(head + sets + R"(,"delete":["v=spf1 mx -all"]})")) << head;
    EXPECT_TRUE(changes(head + R"("rrsets":[{"name":"@","type":"TXT",")" + data +
                        R"(":["other","v=spf1 -all"]}]})"));
  }
}

TEST(DnsWant, EditsRefuseAZoneThatSomebodyChanged) {
  const auto out = changes(
      R"({"format":"mxferry-edits/1","edits":[{"kind":"set","name":"@","type":"MX","before":["10 mx.foreign.example."],"after":["10 mx.new.example."]}]})");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ErrorCode::conflict);
}

TEST(DnsWant, AStringEditKeepsForeignStrings) {
  const auto out = changes(
      R"({"format":"mxferry-edits/1","edits":[{"kind":"string","name":"@","type":"TXT","before":["\"v=spf1 mx -all\""],"after":["\"v=spf1 mx include:x.example -all\""]}]})");
  ASSERT_TRUE(out) << out.error().message();
  ASSERT_EQ(out->size(), 1U);
  EXPECT_EQ((*out)[0].after->records.size(), 2U);
}

TEST(DnsWant, DangerousResultsAreRefused) {
  for (const char* set :
       {R"({"name":"@","type":"MX","data":[]})", R"({"name":"@","type":"NS","data":["ns.evil."]})",
        R"({"name":"@","type":"TXT","data":["v=spf1 mx -all","v=spf1 -all"]})"}) {
    const auto out = changes(std::string(R"({"format":"mxferry-want/1","rrsets":[)") + set + "]}");
    ASSERT_FALSE(out) << set;
    EXPECT_EQ(out.error().code, ErrorCode::gate) << set;
  }
}

TEST(DnsWant, ATextOfTheDesiredFormIsTakenAsItIs) {
  const auto want =
      parse_want(R"({"rrsets":[{"name":"@","type":"TXT","records":["\"a\" b; c","v=spf1 -all"]}]})",
                 "example.com.", "want.json");
  ASSERT_TRUE(want) << want.error().message();
  const auto text = dns::txt_text(want->edits.at(0).after.at(0));
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "\"a\" b; c");
  ZoneSnapshot zone;
  zone.zone = "example.com.";
  zone.rrsets.push_back({"example.com.", "TXT", 300, "", {{"\"v=spf1 mx -all\""}, {"\"mine=1\""}}});
  const auto refused = changes_for(*want, zone, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::gate);
  EXPECT_THAT(refused.error().message(), HasSubstr("mine=1"));
  auto named = *want;
  named.may_drop = {"mine=1"};
  EXPECT_TRUE(changes_for(named, zone, 0));
}

TEST(DnsWant, MistakesInTheFileAreConfigurationErrors) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "want.json"},
      {R"({"rrsets":[{"name":"a","type":"A","data":["192.0.2.1"]}]})", "unknown key \"data\""},
      {R"({"rrsets":[{"name":"a","type":"A"}]})", "records"},
      {R"({"rrsets":[],"delete":"x"})", "delete"},
      {R"({"format":"zonefile"})", "expected mxferry-want/1"},
      {R"({"format":"mxferry-want/1","rrsets":{}})", "rrsets: expected an array"},
      {R"({"format":"mxferry-want/1","zone":"other.example","rrsets":[]})", "not example.com."},
      {R"({"format":"mxferry-want/1","rrset":[],"rrsets":[]})", "unknown key \"rrset\""},
      {R"({"format":"mxferry-want/1","rrsets":[{"name":"a.other.","type":"A","data":["192.0.2.1"]}]})",
       "outside the zone"},
      {R"({"format":"mxferry-want/1","rrsets":[{"name":"a","type":"BOGUS","data":["x"]}]})",
       "unknown type"},
      {R"({"format":"mxferry-want/1","rrsets":[{"name":"@","type":"MX","data":["mx.new.example."]}]})",
       "rrsets[0]"},
      {R"({"format":"mxferry-want/1","rrsets":[{"name":"a","type":"A","ttl":-5,"data":["192.0.2.1"]}]})",
       "ttl"},
      {R"({"format":"mxferry-want/1","rrsets":[{"name":"a","type":"A","data":[]},{"name":"A","type":"A","data":[]}]})",
       "stands twice"}};
  for (const auto& [text, word] : cases) {
    const auto read = parse_want(text, "example.com.", "want.json");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::config) << text;
    EXPECT_THAT(read.error().message(), HasSubstr(word)) << text;
  }
}

}  // namespace
}  // namespace mxferry::app
