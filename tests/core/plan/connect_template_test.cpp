// SPDX-License-Identifier: Apache-2.0
#include "plan/connect_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "plan/edits.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"
#include "support/scripted_lookups.hpp"

namespace mxferry::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

ZoneSnapshot used_zone() {
  ZoneSnapshot zone;
  zone.zone = "alpha.test.";
  const auto put = [&](const std::string& name, const std::string& type,
                       const std::vector<std::string>& data) {
    ZoneRRset set;
    set.name = name;
    set.type = type;
    set.ttl = 600;
    for (const auto& item : data) set.records.push_back({item});
    zone.rrsets.push_back(set);
  };
  put("alpha.test.", "NS", {"ns1.dns.test."});
  put("alpha.test.", "MX", {"10 mx.old.test."});
  put("alpha.test.", "TXT", {"\"v=spf1 mx -all\"", "\"other=1\"", "\"brand-verify=old\""});
  put("_dmarc.alpha.test.", "TXT", {"\"v=DMARC1; p=reject\""});
  put("mail.alpha.test.", "CNAME", {"old.test."});
  put("www.alpha.test.", "A", {"192.0.2.80"});
  return zone;
}

ZoneSnapshot blank_zone() {
  ZoneSnapshot zone;
  zone.zone = "alpha.test.";
  return zone;
}

struct Applied {
  ConnectChange change;
  std::vector<std::string> sets;  // "name TYPE ttl data|data"
  std::string error;
  ErrorCode code = ErrorCode::internal;
};

Applied made_of(const std::string& records, const ZoneSnapshot& zone,
                std::map<std::string, std::string> variables = {}, const std::string& host = "") {
  Applied out;
  const auto from = read_connect_template(
      R"({"providerId":"brand.test","serviceId":"mail","records":[)" + records + "]}", "t.json");
  EXPECT_TRUE(from) << from.error().message();
  test::ScriptedLookups world(
      "mx.old.test A 192.0.2.1\nmx.new.test A 203.0.113.7\n"
      "spf.new.test TXT \"v=spf1 ip4:203.0.113.0/24 -all\"\ndead.test FAIL");
  ConnectRequest request;
  request.domain = "alpha.test.";
  request.host = host;
  request.variables = std::move(variables);
  auto change = change_by_template(*from, request, zone, world);
  if (!change) {
    out.error = change.error().message();
    out.code = change.error().code;
    return out;
  }
  out.change = *std::move(change);
  for (const auto& set : out.change.sets) {
    std::string line = set.name + " " + set.type + " " + std::to_string(set.ttl);
    for (const auto& item : rdata_of(&set)) line += " " + item;
    out.sets.push_back(line);
  }
  return out;
}

const std::string kMx =
    R"({"type":"MX","host":"@","pointsTo":"mx.new.test","priority":5,"ttl":300})";
const std::string kSpf = R"({"type":"SPFM","host":"@","spfRules":"mx include:spf.new.test"})";

TEST(ConnectTemplate, OnABlankZoneItIsWhatItSays) {
  const auto made = made_of(
      kMx + "," + kSpf +
          R"(,{"type":"CNAME","host":"%sel%._domainkey","pointsTo":"%sel%.%domain%.dkim.new.test","ttl":"60"},
             {"type":"SRV","name":"@","service":"_imaps","protocol":"tcp","priority":0,"weight":1,
              "port":993,"target":"imap.new.test","ttl":3600},
             {"type":"TXT","host":"@","data":"brand-verify=%code%","ttl":3600})",
      blank_zone(), {{"sel", "s1"}, {"code", "A%B"}});
  EXPECT_EQ(made.error, "");
  EXPECT_THAT(made.sets, UnorderedElementsAre(
                             "alpha.test. MX 300 5 mx.new.test.",
                             "alpha.test. TXT 3600 \"brand-verify=A%B\" "
                             "\"v=spf1 mx include:spf.new.test ~all\"",
                             "s1._domainkey.alpha.test. CNAME 60 s1.alpha.test.dkim.new.test.",
                             "_imaps._tcp.alpha.test. SRV 3600 0 1 993 imap.new.test."));
  EXPECT_THAT(made.change.conflicts, IsEmpty());
}

TEST(ConnectTemplate, OnAUsedZoneWhatGivesWayIsNamedAndTheRestStays) {
  const auto made = made_of(kMx + "," + kSpf +
                                R"(,{"type":"A","host":"mail","pointsTo":"203.0.113.9","ttl":3600},
                   {"type":"TXT","host":"@","data":"brand-verify=new","ttl":3600,
                    "txtConflictMatchingMode":"Prefix","txtConflictMatchingPrefix":"brand-verify="},
                   {"type":"TXT","host":"_dmarc","data":"v=DMARC1; p=none","ttl":3600})",
                            used_zone());
  EXPECT_EQ(made.error, "");
  EXPECT_THAT(made.sets, UnorderedElementsAre(
                             "alpha.test. MX 300 5 mx.new.test.",
                             "alpha.test. TXT 600 \"other=1\" \"brand-verify=new\" "
                             "\"v=spf1 ip4:192.0.2.1 a:mx.new.test include:spf.new.test ~all\"",
                             "_dmarc.alpha.test. TXT 600 \"v=DMARC1; p=none\"",
                             "mail.alpha.test. CNAME 0", "mail.alpha.test. A 3600 203.0.113.9"));
  EXPECT_EQ(made.change.conflicts.size(), 4U);
  EXPECT_THAT(made.change.conflicts, Contains(HasSubstr("10 mx.old.test. gives way to MX")));
  EXPECT_THAT(made.change.dropped, UnorderedElementsAre("brand-verify=old", "v=DMARC1; p=reject"));
  EXPECT_THAT(made.change.notes, Contains(HasSubstr("SPF of alpha.test. is merged")));
}

TEST(ConnectTemplate, WhatStandsAlreadyChangesNothing) {
  const std::string same =
      R"({"type":"MX","host":"@","pointsTo":"mx.old.test","priority":10,"ttl":600},
      {"type":"TXT","host":"@","data":"other=1","ttl":3600,"txtConflictMatchingMode":"None"},
      {"type":"CNAME","host":"mail","pointsTo":"old.test","ttl":600})";
  const auto made = made_of(same, used_zone());
  EXPECT_EQ(made.error, "");
  EXPECT_THAT(made.sets, IsEmpty());
  EXPECT_THAT(made.change.conflicts, IsEmpty());
}

TEST(ConnectTemplate, AHostBelowTheDomain) {
  const auto made = made_of(R"({"type":"MX","host":"@","pointsTo":"mx.new.test","priority":5},
      {"type":"CNAME","host":"in","pointsTo":"@"},{"type":"A","host":"x.%fqdn%","pointsTo":"192.0.2.9"},
      {"type":"A","host":"y.%domain%.","pointsTo":"192.0.2.9"})",
                            blank_zone(), {}, "send");
  EXPECT_EQ(made.error, "");
  EXPECT_THAT(made.sets, UnorderedElementsAre("send.alpha.test. MX 3600 5 mx.new.test.",
                                              "in.send.alpha.test. CNAME 3600 send.alpha.test.",
                                              "x.send.alpha.test. A 3600 192.0.2.9",
                                              "y.alpha.test. A 3600 192.0.2.9"));
}

TEST(ConnectTemplate, WhatCannotBeIsRefusedWithTheReason) {
  const struct {
    const char* records;
    ErrorCode code;
    const char* reason;
  } cases[] = {
      {R"({"type":"MX","host":"@","pointsTo":"%mx%","priority":"%n%"})", ErrorCode::usage,
       "no value for mx, n"},
      {R"({"type":"MX","host":"@","pointsTo":"mx.new.test","priority":"70000"})", ErrorCode::config,
       "priority"},
      {R"({"type":"A","host":"@","pointsTo":"mx.new.test"})", ErrorCode::config, "A"},
      {R"({"type":"CNAME","host":"@","pointsTo":"new.test"})", ErrorCode::gate, "own name"},
      {R"({"type":"CNAME","host":"a","pointsTo":"new.test"},{"type":"TXT","host":"a","data":"x"})",
       ErrorCode::gate, "beside a CNAME"},
      {R"({"type":"A","host":"mail.other.test.","pointsTo":"192.0.2.9"})", ErrorCode::config,
       "outside the zone"},
      {R"({"type":"SPFM","host":"@","spfRules":"include:dead.test"})", ErrorCode::network,
       "SERVFAIL"},
      {R"({"type":"SPFM","host":"@","spfRules":"foo"})", ErrorCode::config, "foo"},
  };
  for (const auto& one : cases) {
    const auto made = made_of(one.records, used_zone());
    EXPECT_THAT(made.error, HasSubstr(one.reason)) << one.records;
    EXPECT_EQ(made.code, one.code) << one.records;
  }
  const char* const kUnreadable[] = {
      "{}",
      "[]",
      R"({"providerId":"a","serviceId":"b","records":{}})",
      R"({"providerId":"a","serviceId":"b","records":[{"type":"REDIR301","host":"@"}]})",
      R"({"providerId":"a","serviceId":"b","records":[{"type":"MX","host":"@"}]})",
      R"({"providerId":"a","serviceId":"b","records":[{"type":"MX","pointsTo":"a","ttl":-1}]})"};
  for (const auto* text : kUnreadable) EXPECT_FALSE(read_connect_template(text, "t")) << text;
}

// Every include has a record of its own, every host an address.
class AnyLookups final : public dns::Lookups {
 public:
  dns::Answer ask(const dns::Question& question) override {
    dns::Answer out;
    out.kind = dns::Answer::Kind::found;
    const auto n = std::to_string(std::hash<std::string>{}(question.name) % 200);
    if (question.type == "TXT")
      out.rdata = {"\"v=spf1 ip4:198.51.100." + n + " -all\""};
    else if (question.type == "A")
      out.rdata = {"203.0.113." + n};
    else
      out.kind = dns::Answer::Kind::nothing;
    return out;
  }
};

// Published templates: each is read, and makes sets of a blank and of a used zone that DNS can
// hold; or it is refused with a reason.
TEST(ConnectTemplate, EveryPublishedTemplateIsAppliedOrRefused) {
  const std::filesystem::path folder = std::filesystem::path(MXF_FIXTURES_DIR) / "domain-connect";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no templates at " << folder;
  std::size_t all = 0;
  std::vector<std::string> refused;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (entry.path().extension() != ".json") continue;
    ++all;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const auto from = read_connect_template(text.str(), name);
    if (!from) {
      EXPECT_THAT(from.error().text, HasSubstr("is not a record of DNS")) << name;
      refused.push_back(name);
      continue;
    }
    ConnectRequest request;
    request.domain = "alpha.test.";
    request.host = from->host_required ? "send" : "";
    for (const auto& variable : connect_variables(*from))
      request.variables[variable] = "v" + std::to_string(request.variables.size() + 1);
    for (const auto& record : from->records) {
      // Variables that must be more than a word.
      const bool spf = record.type == "SPFM" || record.data.starts_with("v=spf1");
      for (const auto& variable : connect_variables({"", "", "", false, {record}})) {
        const std::string word = "%" + variable + "%";
        auto& value = request.variables[variable];
        if (record.type == "A" && record.data == word) value = "192.0.2.7";
        if (record.type == "AAAA" && record.data == word) value = "2001:db8::7";
        if ((record.type == "MX" || record.type == "CNAME") && record.data == word)
          value = "host" + value + ".v.test";
        if (record.ttl == word || record.priority == word) value = "10";
        if (spf && record.data.find(word) != std::string::npos)
          value = record.data.find(":" + word) != std::string::npos ? "spf.v.test"
                                                                    : "include:spf.v.test";
      }
    }
    for (const auto& zone : {blank_zone(), used_zone()}) {
      AnyLookups world;
      const auto change = change_by_template(*from, request, zone, world);
      if (!change) {
        EXPECT_EQ(change.error().code, ErrorCode::gate) << name << change.error().message();
        refused.push_back(name + ": " + change.error().text);
        continue;
      }
      EXPECT_FALSE(change->sets.empty()) << name;
      for (const auto& set : change->sets) {
        int spf = 0;
        for (const auto& record : set.records) {
          if (set.type == "TXT") spf += dns::is_spf(dns::txt_text(record.rdata).value()) ? 1 : 0;
          EXPECT_TRUE(dns::canonical_rdata(set.type, record.rdata)) << name << record.rdata;
        }
        EXPECT_LE(spf, 1) << name;
        EXPECT_FALSE(set.type == "MX" && set.records.empty()) << name;
      }
    }
  }
  EXPECT_EQ(all, 160U);
  EXPECT_LT(refused.size(), 20U) << ::testing::PrintToString(refused);
}

}  // namespace
}  // namespace mxferry::plan
