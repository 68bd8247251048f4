// SPDX-License-Identifier: Apache-2.0
#include "plan/old_hosts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "plan/compute.hpp"

namespace mxferry::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ZoneRRset rrset(const std::string& name, const std::string& type,
                const std::vector<std::string>& data) {
  ZoneRRset set;
  set.name = name + "alpha.test.";
  set.type = type;
  set.ttl = 40;
  for (const auto& item : data) set.records.push_back({item});
  return set;
}

std::vector<std::string> ids(const std::vector<ZoneRRset>& sets,
                             const std::vector<std::string>& planned = {}) {
  ZoneSnapshot zone;
  zone.zone = "alpha.test.";
  zone.rrsets = sets;
  zone.rrsets.push_back(rrset("", "MX", {"10 mx.old.test."}));
  DomainPlan domain;
  domain.name = "alpha.test";
  OldSide old_side;
  old_side.hosts = {{"mx.old.test.", {"192.0.2.10", "2001:db8::10"}},
                    {"imap.old.test.", {"192.0.2.11"}}};
  std::vector<std::string> out;
  for (const auto& finding : find_old_hosts(zone, domain, old_side, planned)) {
    EXPECT_EQ(finding.severity, Severity::block);
    out.push_back(finding.id);
  }
  return out;
}

TEST(OldHosts, EveryKindOfRecordThatNamesThemIsFound) {
  EXPECT_THAT(ids({rrset("sub.", "MX", {"10 mx.old.test."}), rrset("*.", "MX", {"5 mx.old.test."}),
                   rrset("_imaps._tcp.", "SRV", {"0 1 993 imap.old.test."}),
                   rrset("webmail.", "CNAME", {"imap.old.test."}),
                   rrset("mail.", "A", {"192.0.2.1", "192.0.2.10"}),
                   rrset("imap.", "AAAA", {"2001:db8::10"}),
                   rrset("news.", "TXT", {"\"hello\"", "\"v=spf1 ip4:192.0.2.0/24 -all\""}),
                   rrset("shop.", "TXT", {"\"v=spf1 a:mx.old.test -all\""})}),
              ElementsAre("OH-01:sub.alpha.test/MX", "OH-01:*.alpha.test/MX",
                          "OH-01:_imaps._tcp.alpha.test/SRV", "OH-01:webmail.alpha.test/CNAME",
                          "OH-01:mail.alpha.test/A", "OH-01:imap.alpha.test/AAAA",
                          "OH-01:news.alpha.test/TXT", "OH-01:shop.alpha.test/TXT"));
}

TEST(OldHosts, NamesOfTheZoneThatStandForThemCountToo) {
  EXPECT_THAT(
      ids({rrset("b.", "CNAME", {"a.alpha.test."}), rrset("a.", "CNAME", {"mail.alpha.test."}),
           rrset("mail.", "A", {"192.0.2.10"}), rrset("list.", "MX", {"10 mail.alpha.test."}),
           rrset("bulk.", "TXT", {"\"v=spf1 mx:list.alpha.test -all\""})}),
      ElementsAre("OH-01:b.alpha.test/CNAME", "OH-01:a.alpha.test/CNAME", "OH-01:mail.alpha.test/A",
                  "OH-01:list.alpha.test/MX", "OH-01:bulk.alpha.test/TXT"));
}

TEST(OldHosts, WhatIsPlannedOrNamesOthersIsNot) {
  EXPECT_THAT(
      ids({rrset("_imaps._tcp.", "SRV", {"0 1 993 imap.old.test."}), rrset("", "A", {"192.0.2.80"}),
           rrset("", "TXT", {"\"v=spf1 ip4:192.0.2.10 -all\""}),
           rrset("x.", "MX", {"10 mx.old.test.example."}),
           rrset("y.", "TXT",
                 {"\"v=spf1 ip4:192.0.0.0/8 ip4:198.51.100.1 mx -all\"", "\"mx.old.test.\""}),
           rrset("z.", "A", {"192.0.2.101"})},
          {"_imaps._tcp.alpha.test./SRV"}),
      IsEmpty());
}

TEST(OldHosts, ThePlanIsRefusedUntilEachIsAcceptedByItsOwnName) {
  config::PlanFile file;
  file.id = "alpha";
  config::Domain d;
  d.name = "alpha.test";
  d.mx = {"10 mx.new.test."};
  d.dns.zone = "alpha.test.";
  file.domains.push_back(d);
  Facts facts;
  auto& z = facts.zones["alpha.test."];
  z.snapshot.zone = "alpha.test.";
  z.snapshot.rrsets = {rrset("", "MX", {"10 mx.old.test."}), rrset("mail.", "A", {"192.0.2.10"}),
                       rrset("sub.", "MX", {"10 mx.old.test."})};
  z.old_side["alpha.test"].hosts = {{"mx.old.test.", {"192.0.2.10"}}};
  z.old_side["alpha.test"].unknown = {{"mx2.old.test.", "timed out"}};
  file.accept = {{"OH-01:mail.alpha.test/A", "the old webmail stays for a year"},
                 {"OH-01:sub.alpha.test", "not the whole id"}};
  const auto computed = compute(file, facts);
  ASSERT_TRUE(computed) << computed.error().message();
  std::map<std::string, std::string> accepted;
  for (const auto& finding : computed->findings)
    if (finding.id.starts_with("OH-")) accepted[finding.id] = finding.accepted;
  EXPECT_EQ(accepted, (std::map<std::string, std::string>{
                          {"OH-01:mail.alpha.test/A", "the old webmail stays for a year"},
                          {"OH-01:sub.alpha.test/MX", ""},
                          {"OH-02:mx2.old.test", ""}}));
}

}  // namespace
}  // namespace mxferry::plan
