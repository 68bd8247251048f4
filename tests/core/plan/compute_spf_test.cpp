// SPDX-License-Identifier: Apache-2.0
#include "plan/compute_spf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "plan/compute.hpp"
#include "support/spf_answers.hpp"

namespace mxferry::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// alpha.test moves from mx.old.test to mx.new.test.
struct Spf {
  config::PlanFile file;
  Facts facts;
  std::string world = test::kSpfWorld;

  Spf(const std::string& before, const std::string& after) {
    config::Domain d;
    d.name = "alpha.test";
    d.mx = {"10 mx.new.test."};
    d.spf = after;
    d.dns.zone = "alpha.test.";
    file.domains.push_back(d);
    config::Mailbox box;
    box.source = box.dest = "a@alpha.test";
    file.mailboxes = {box};
    auto& zone = facts.zones["alpha.test."].snapshot;
    zone.zone = "alpha.test.";
    put("MX", {"10 mx.old.test."});
    if (!before.empty()) put("TXT", {"\"other=1\"", "\"" + before + "\""});
  }
  void put(const std::string& type, const std::vector<std::string>& data) {
    ZoneRRset set;
    set.name = "alpha.test.";
    set.type = type;
    set.ttl = 300;
    for (const auto& item : data) set.records.push_back({item});
    facts.zones["alpha.test."].snapshot.rrsets.push_back(set);
  }
  // "ID severity: text" of each finding about SPF and mixes.
  std::vector<std::string> run() {
    facts.answers = test::spf_answers(file, facts.zones, world);
    auto computed = compute(file, facts);
    EXPECT_TRUE(computed) << computed.error().message();
    plan = computed->plan;
    std::vector<std::string> out;
    for (const auto& finding : computed->findings)
      if (finding.id.starts_with("SPF") || finding.id == "CM-01")
        out.push_back(finding.id + " " + to_string(finding.severity) + ": " + finding.text);
    return out;
  }
  const std::string& overlap() const { return plan.domains.at(0).spf_overlap; }
  Plan plan;
};

TEST(ComputeSpf, MxOfBothSidesStandsAsWhatItMeans) {
  Spf spf("v=spf1 mx -all exp=why.%{d}", "v=spf1 mx include:new.test ~all");
  const auto found = spf.run();
  EXPECT_EQ(spf.overlap(), "v=spf1 ip4:192.0.2.1 a:mx.new.test include:new.test ~all exp=why.%{d}");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0], HasSubstr("SPF-07 info: \"mx\" of the old SPF record"));
  EXPECT_THAT(found[0], HasSubstr("ip4:192.0.2.1"));
}

TEST(ComputeSpf, WhatStandsInTheZoneIsNotAsked) {
  Spf spf("v=spf1 mx a include:alpha.test -all", "v=spf1 include:new.test -all");
  spf.put("A", {"192.0.2.80"});
  test::ScriptedLookups scripted(spf.world);
  look_up_spf(spf.file.domains[0], spf.facts.zones.at("alpha.test.").snapshot, scripted);
  for (const auto& question : scripted.asked)
    EXPECT_TRUE(!question.starts_with("alpha.test.") || question == "alpha.test. AAAA") << question;
}

TEST(ComputeSpf, NoRecordTodayMeansNoneForBoth) {
  Spf spf("", "v=spf1 include:new.test -all");
  EXPECT_THAT(spf.run(), IsEmpty());
  EXPECT_EQ(spf.overlap(), "");
  spf.world = "new.test FAIL";
  const auto found = spf.run();
  ASSERT_THAT(found, Not(IsEmpty()));
  EXPECT_THAT(found[0], HasSubstr("SPF-12 block: it is not known what SPF lets pass"));
}

TEST(ComputeSpf, NothingChangesWhereNothingMoves) {
  Spf spf("v=spf1  mx   -all", "v=spf1  mx   -all");
  spf.file.domains[0].mx = {"10 MX.old.test."};
  EXPECT_THAT(spf.run(), IsEmpty());
  EXPECT_EQ(spf.overlap(), "v=spf1  mx   -all");
}

// Includes lead to more lookups than the record itself shows: those count.
TEST(ComputeSpf, LookupsAreCountedThroughTheTree) {
  std::string world = test::kSpfWorld;
  const auto tree = [&](const std::string& name, int leaves) {
    std::string record = "v=spf1";
    for (int i = 0; i < leaves; ++i) {
      const auto host = "h" + std::to_string(i) + "." + name;
      record += " a:" + host;
      world += host + " A 198.51.100." + std::to_string(i + leaves * 16) + "\n";
    }
    world += name + " TXT \"" + record + " -all\"\n";
  };
  tree("five.test", 5);
  tree("six.test", 6);
  tree("eleven.test", 11);
  Spf spf("v=spf1 include:five.test -all", "v=spf1 include:six.test -all");
  spf.world = world;
  auto found = spf.run();
  ASSERT_EQ(found.size(), 1U) << "flattened, and every mix proven";
  EXPECT_THAT(found[0], HasSubstr("SPF-08 warning: include:five.test stands as its networks"));
  EXPECT_THAT(spf.overlap(), HasSubstr("ip4:198.51.100."));
  EXPECT_THAT(spf.overlap(), HasSubstr("include:six.test"));

  Spf many("v=spf1 ip4:192.0.2.1 -all", "v=spf1 include:eleven.test -all");
  many.world = world;
  found = many.run();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_THAT(found[0], HasSubstr("SPF-02 block: the overlap of old and new SPF needs 12 lookups"));
  EXPECT_THAT(found[1], HasSubstr("SPF-02 block: the new SPF record needs 12 lookups"));
}

TEST(ComputeSpf, ThreeLookupsOfNothingAreAnError) {
  Spf spf("v=spf1 a:n1.test a:n2.test -all", "v=spf1 include:new.test a:n3.test -all");
  const auto found = spf.run();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0], HasSubstr("SPF-03 block: the overlap of old and new SPF has 3 terms"));
}

TEST(ComputeSpf, WhatIsOutsideOfTheProofIsNamed) {
  Spf spf("v=spf1 exists:%{i}.ok.test include:older.test -all", "v=spf1 include:new.test -all");
  const auto found = spf.run();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0], HasSubstr("SPF-09 info"));
  EXPECT_THAT(found[0], HasSubstr("exists:%{i}.ok.test, ptr (in include:older.test)"));
}

TEST(ComputeSpf, ALookupThatFailsHoldsThePlan) {
  for (const std::string broken : {"older.test FAIL", "mx.old.test FAIL", "new.test FAIL"}) {
    Spf spf("v=spf1 mx include:older.test -all", "v=spf1 include:new.test -all");
    spf.world = test::kSpfWorld + broken;
    const auto found = spf.run();
    ASSERT_GE(found.size(), 2U) << broken;
    EXPECT_THAT(found[0], HasSubstr("SPF-12 block: it is not known")) << broken;
    EXPECT_THAT(found[0], HasSubstr("SERVFAIL")) << broken;
    EXPECT_THAT(found[1], HasSubstr("CM-01 block")) << broken;
    EXPECT_EQ(spf.plan.find("overlap:alpha.test"), nullptr) << broken;
  }
}

TEST(ComputeSpf, ARecordThatReceiversStumbleOverIsNotMerged) {
  for (const std::string before : {"v=spf1 include:nobody.test -all", "v=spf1 foo -all"}) {
    Spf spf(before, "v=spf1 include:new.test -all");
    const auto found = spf.run();
    ASSERT_FALSE(found.empty()) << before;
    EXPECT_THAT(found[0], HasSubstr("SPF-12 block: no record for both can be written")) << before;
    EXPECT_EQ(spf.overlap(), before);
  }
}

}  // namespace
}  // namespace mxferry::plan
