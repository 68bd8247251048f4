// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/spf_merge.hpp"

#include <gtest/gtest.h>

#include <random>

#include "protocol/dns/spf_check.hpp"
#include "protocol/dns/spf_tree.hpp"
#include "support/scripted_lookups.hpp"

namespace mxferry::dns {
namespace {

const char* const kZone = R"(
example.com MX 10 mx.example.com.
example.com A 192.0.2.80
mx.example.com A 192.0.2.25
mx.example.com AAAA 2001:db8::25
old.example.net TXT "v=spf1 ip4:198.51.100.0/24 -ip4:198.51.100.9 include:deep.example.net ?all"
deep.example.net TXT "v=spf1 ip4:203.0.113.0/28 -all"
new.example.org TXT "v=spf1 ip4:203.0.113.64/26 ip4:198.51.100.9 ~all"
mx1.new.example A 203.0.113.70
)";

Result<SpfMerge> merge(test::ScriptedLookups& dns, const std::string& old_record,
                       const std::string& new_record,
                       const std::vector<std::string>& new_hosts = {}) {
  SpfMergeRequest request;
  request.domain = "example.com.";
  request.old_record = old_record;
  request.new_record = new_record;
  request.new_hosts = new_hosts;
  return merge_spf(request, dns);
}

IpSet passes(test::ScriptedLookups& dns, const std::string& record) {
  return spf_tree("example.com.", record, dns).value().passes;
}

TEST(SpfTree, AddsUpWhatARecordLeadsTo) {
  test::ScriptedLookups dns(kZone);
  const auto tree = spf_tree("example.com.", "v=spf1 mx include:old.example.net ptr -all", dns);
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->lookups, 4);
  EXPECT_EQ(tree->outside, std::vector<std::string>{"ptr"});
  EXPECT_TRUE(tree->passes.contains(parse_ip("192.0.2.25").value()));
  EXPECT_TRUE(tree->passes.contains(parse_ip("203.0.113.1").value()));
  EXPECT_TRUE(tree->passes.contains(parse_ip("198.51.100.9").value()))
      << "what is first matched decides, and that is the network";
  EXPECT_FALSE(tree->passes.contains(parse_ip("192.0.2.80").value()));
  EXPECT_EQ(tree->terms[1].below.size(), 3U);
  EXPECT_EQ(spf_tree("example.com.", "v=spf1 a ?all redirect=z.example", dns)->lookups, 1)
      << "a redirect behind all is never reached";
}

TEST(SpfTree, TellsWhatReceiversWouldStumbleOver) {
  test::ScriptedLookups dns(
      "loop.example TXT \"v=spf1 include:loop.example -all\"\nbad.example TXT \"v=spf1 foo\"\n"
      "two.example TXT \"v=spf1\"\ntwo.example TXT \"v=spf1 -all\"\ndead.example FAIL");
  const auto problems = [&](const std::string& record) {
    return spf_tree("example.com.", record, dns).value();
  };
  EXPECT_EQ(problems("v=spf1 include:loop.example").problems.size(), 1U);
  EXPECT_EQ(problems("v=spf1 include:bad.example").problems.size(), 1U);
  EXPECT_EQ(problems("v=spf1 include:two.example").problems.size(), 1U);
  EXPECT_EQ(problems("v=spf1 redirect=nobody.example").problems.size(), 1U);
  EXPECT_FALSE(problems("v=spf1 redirect=nobody.example").unknown);
  EXPECT_TRUE(problems("v=spf1 include:dead.example").unknown);
  EXPECT_TRUE(problems("v=spf1 a:dead.example").unknown);
  EXPECT_EQ(problems("v=spf1 a:nobody.example").voids, 1);
}

TEST(SpfMerge, PassesWhatOneOfBothPasses) {
  test::ScriptedLookups dns(kZone);
  const auto merged =
      merge(dns, "v=spf1 mx include:old.example.net -all", "v=spf1 include:new.example.org ~all");
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_TRUE(merged->proven);
  EXPECT_EQ(merged->record,
            "v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 include:old.example.net "
            "include:new.example.org ~all");
  EXPECT_EQ(merged->lookups, 3);
  ASSERT_EQ(merged->fixed.size(), 1U);
  EXPECT_EQ(merged->fixed[0].term, "mx");
  EXPECT_TRUE(merged->missing.empty());
  EXPECT_TRUE(merged->surplus.empty());
}

TEST(SpfMerge, KeepsQualifiersAndEachTermOnce) {
  test::ScriptedLookups dns(kZone);
  EXPECT_EQ(merge(dns, "v=spf1 mx ip4:192.0.2.1 ?include:old.example.net -all",
                  "v=spf1 include:new.example.org ip4:192.0.2.1 ~all")
                ->record,
            "v=spf1 ip4:192.0.2.1 include:new.example.org ip4:192.0.2.25 ip6:2001:db8::25 "
            "?include:old.example.net ~all")
      << "the new terms first: what is neutral by the old record may pass by the new one";
}

TEST(SpfMerge, ARedirectBecomesAnInclude) {
  test::ScriptedLookups dns(kZone);
  EXPECT_EQ(
      merge(dns, "v=spf1 redirect=old.example.net", "v=spf1 include:new.example.org -all")->record,
      "v=spf1 include:old.example.net include:new.example.org ~all");
}

TEST(SpfMerge, TheExplanationAndUnknownModifiersStay) {
  test::ScriptedLookups dns(kZone);
  auto merged = merge(dns, "v=spf1 ip4:192.0.2.1 -all exp=why.%{d} x=1",
                      "v=spf1 include:new.example.org -all y=2");
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->record,
            "v=spf1 ip4:192.0.2.1 include:new.example.org -all exp=why.%{d} x=1 y=2");
  EXPECT_TRUE(merged->notes.empty());
  merged = merge(dns, "v=spf1 ip4:192.0.2.1 -all exp=why.%{d}",
                 "v=spf1 include:new.example.org -all exp=new.%{d}");
  EXPECT_EQ(merged->record, "v=spf1 ip4:192.0.2.1 include:new.example.org -all exp=new.%{d}");
  EXPECT_EQ(merged->notes.size(), 1U) << "whose explanation was left out";
}

TEST(SpfMerge, ANegativeTermDoesNotTakeFromTheNewProvider) {
  test::ScriptedLookups dns(kZone);
  const auto merged = merge(dns, "v=spf1 -ip4:203.0.113.70 ip4:203.0.113.0/24 -all",
                            "v=spf1 include:new.example.org -all");
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_TRUE(merged->proven);
  EXPECT_TRUE(passes(dns, merged->record).contains(parse_ip("203.0.113.70").value()));
  EXPECT_EQ(merged->record.find("v=spf1 include:new.example.org -ip4:203.0.113.70"), 0U)
      << merged->record;
  EXPECT_FALSE(merged->notes.empty());
}

TEST(SpfMerge, NegativeTermsOfBothSidesAreSolvedByNetworks) {
  test::ScriptedLookups dns(kZone);
  const auto merged = merge(dns, "v=spf1 -ip4:203.0.113.1 ip4:203.0.113.0/24 -all",
                            "v=spf1 -ip4:203.0.113.2 ip4:203.0.113.0/25 -all");
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_TRUE(merged->proven) << merged->record;
  const auto set = passes(dns, merged->record);
  EXPECT_TRUE(set.contains(parse_ip("203.0.113.1").value()));
  EXPECT_TRUE(set.contains(parse_ip("203.0.113.2").value()));
  EXPECT_FALSE(set.contains(parse_ip("203.0.114.2").value()));
}

TEST(SpfMerge, MxOfTheNewRecordMeansTheNewHosts) {
  test::ScriptedLookups dns(kZone);
  EXPECT_FALSE(merge(dns, "v=spf1 mx -all", "v=spf1 mx -all"));
  const auto merged = merge(dns, "v=spf1 mx -all", "v=spf1 mx -all", {"mx1.new.example."});
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->record, "v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 a:mx1.new.example -all");
}

TEST(SpfMerge, WhatTheProofCannotReachIsKeptAndNamed) {
  test::ScriptedLookups dns(kZone);
  const auto merged = merge(dns, "v=spf1 exists:%{i}.ok.example.net ptr -all",
                            "v=spf1 include:new.example.org ?all");
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->record, "v=spf1 exists:%{i}.ok.example.net ptr include:new.example.org ?all");
  EXPECT_EQ(merged->outside, (std::vector<std::string>{"exists:%{i}.ok.example.net", "ptr"}));
}

TEST(SpfMerge, DoublesAreLeftOut) {
  test::ScriptedLookups dns(kZone);
  const auto merged =
      merge(dns, "v=spf1 include:old.example.net include:deep.example.net ip4:192.0.2.1 -all",
            "v=spf1 ip4:192.0.2.0/24 include:old.example.net -all");
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ(merged->record, "v=spf1 include:old.example.net ip4:192.0.2.0/24 -all");
  EXPECT_TRUE(merged->proven);
}

TEST(SpfMerge, OldTermsBecomeNetworksOnlyForWantOfLookups) {
  std::string zone = kZone;
  std::string old_record = "v=spf1";
  for (int i = 0; i < 5; ++i) {
    const auto n = std::to_string(i);
    old_record += " include:o" + n + ".example.net";
    zone += "o" + n + ".example.net TXT \"v=spf1 a:h" + n + ".example.net -all\"\nh" + n +
            ".example.net A 198.51.100." + n + "\n";
  }
  test::ScriptedLookups dns(zone);
  const auto merged = merge(dns, old_record + " -all",
                            "v=spf1 include:new.example.org include:deep.example.net -all");
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_TRUE(merged->proven);
  EXPECT_EQ(merged->lookups, 10);
  ASSERT_EQ(merged->flattened.size(), 1U) << "one is enough";
  EXPECT_EQ(merged->flattened[0].networks, std::vector<std::string>{"ip4:198.51.100.0"});
  EXPECT_NE(merged->record.find("include:new.example.org"), std::string::npos);
  EXPECT_FALSE(merged->notes.empty()) << "with what is to be undone";
}

TEST(SpfMerge, NothingIsMergedByGuess) {
  test::ScriptedLookups dns(std::string(kZone) + "dead.example FAIL");
  auto merged =
      merge(dns, "v=spf1 include:dead.example -all", "v=spf1 include:new.example.org -all");
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, ErrorCode::network);
  merged = merge(dns, "v=spf1 include:nobody.example -all", "v=spf1 include:new.example.org -all");
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, ErrorCode::config);
  EXPECT_FALSE(merge(dns, "v=spf1 foo", "v=spf1 -all"));
}

// Random pairs of records: the evaluator of RFC 7208 is asked about addresses at all edges.
TEST(SpfMerge, AgreesWithTheEvaluator) {
  std::mt19937 random(11);
  int proven = 0;
  for (int round = 0; round < 150; ++round) {
    const auto record = [&] {
      std::string out = "v=spf1";
      for (int i = 0; i < 4; ++i) {
        const int prefix = 26 + static_cast<int>(random() % 7);
        const int first = static_cast<int>(random() % 256) & (0xff << (32 - prefix));
        out += random() % 3 == 0 ? " -" : " ";
        out += "ip4:192.0.2." + std::to_string(first) + "/" + std::to_string(prefix);
      }
      return out + " -all";
    };
    const auto old_record = record();
    const auto new_record = record();
    test::ScriptedLookups dns("");
    const auto merged = merge(dns, old_record, new_record);
    ASSERT_TRUE(merged) << old_record << " | " << new_record;
    proven += merged->proven ? 1 : 0;
    ASSERT_TRUE(merged->proven) << old_record << " | " << new_record << " -> " << merged->record;
    for (int at = 0; at < 256; ++at) {
      const auto result = [&](const std::string& text) {
        test::ScriptedLookups one("example.com TXT \"" + text + "\"");
        SpfRequest request;
        request.client = parse_ip("192.0.2." + std::to_string(at)).value();
        request.sender = "a@example.com";
        return check_spf(request, one).result == SpfResult::pass;
      };
      ASSERT_EQ(result(merged->record), result(old_record) || result(new_record))
          << at << ": " << old_record << " | " << new_record << " -> " << merged->record;
    }
  }
  EXPECT_EQ(proven, 150);
}

}  // namespace
}  // namespace mxferry::dns
