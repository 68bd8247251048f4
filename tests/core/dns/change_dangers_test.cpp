// SPDX-License-Identifier: Apache-2.0
#include "dns/change_dangers.hpp"

#include <gtest/gtest.h>

namespace mxferry::dns {
namespace {

ZoneRRset rrset(const std::string& name, const std::string& type, const std::string& rdata) {
  return {name, type, 40, {}, {{rdata}}};
}

ZoneSnapshot zone() {
  return {"a.test.",
          {rrset("a.test.", "SOA", "ns.a.test. h.a.test. 1 2 3 4 10"),
           rrset("a.test.", "MX", "10 mx.a.test."), rrset("sub.a.test.", "NS", "ns.b.test."),
           rrset("www.a.test.", "A", "192.0.2.1"), rrset("alias.a.test.", "CNAME", "b.test.")}};
}

TEST(ChangeDangers, ADelegationKeepsItsNameServers) {
  const std::vector<ZoneChange> gone = {{rrset("sub.a.test.", "NS", "ns.b.test."), std::nullopt}};
  const auto refused = check_dangers(zone(), gone);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::gate);
  const std::vector<ZoneChange> moved = {
      {rrset("sub.a.test.", "NS", "ns.b.test."), rrset("sub.a.test.", "NS", "ns.c.test.")}};
  EXPECT_TRUE(check_dangers(zone(), moved));
  const std::vector<ZoneChange> created = {
      {std::nullopt, rrset("sub.a.test.", "NS", "ns.b.test.")}};
  EXPECT_TRUE(check_dangers(zone(), gone, created)) << "what made it is taken back";
}

TEST(ChangeDangers, AnAliasStandsAlone) {
  const std::vector<ZoneChange> beside = {{std::nullopt, rrset("www.a.test.", "CNAME", "b.test.")}};
  EXPECT_FALSE(check_dangers(zone(), beside));
  const std::vector<ZoneChange> data = {{std::nullopt, rrset("alias.a.test.", "TXT", "\"x\"")}};
  const auto refused = check_dangers(zone(), data);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("DC-06"), std::string::npos);
  const std::vector<ZoneChange> swap = {{rrset("www.a.test.", "A", "192.0.2.1"), std::nullopt},
                                        {std::nullopt, rrset("www.a.test.", "CNAME", "b.test.")}};
  EXPECT_TRUE(check_dangers(zone(), swap));
  auto wrong_already = zone();
  wrong_already.rrsets.push_back(rrset("alias.a.test.", "TXT", "\"x\""));
  const std::vector<ZoneChange> elsewhere = {
      {rrset("www.a.test.", "A", "192.0.2.1"), rrset("www.a.test.", "A", "192.0.2.2")}};
  EXPECT_TRUE(check_dangers(wrong_already, elsewhere)) << "what is no part of the change stays";
}

TEST(ChangeDangers, WhatChangedBesidesIsFoundWhicheverWay) {
  auto after = zone();
  after.rrsets[0] = rrset("a.test.", "SOA", "ns.a.test. h.a.test. 2 2 3 4 10");
  after.rrsets[1] = rrset("a.test.", "MX", "10 mx.new.test.");
  const std::vector<ZoneChange> ours = {
      {rrset("a.test.", "MX", "10 mx.a.test."), rrset("a.test.", "MX", "10 mx.new.test.")}};
  EXPECT_TRUE(changed_besides(zone(), after, ours).empty());
  after.rrsets.pop_back();                                         // gone
  after.rrsets[3].ttl = 7;                                         // another TTL
  after.rrsets.push_back(rrset("new.a.test.", "A", "192.0.2.9"));  // new
  after.rrsets.push_back(rrset("a.test.", "RRSIG", "MX 13 2 40 0 0 1 a.test. AAAA"));
  const auto others = changed_besides(zone(), after, ours);
  ASSERT_EQ(others.size(), 3U);
  EXPECT_EQ(others[0].name, "www.a.test.");
  EXPECT_EQ(others[1].name, "alias.a.test.");
  EXPECT_EQ(others[2].name, "new.a.test.");
}

}  // namespace
}  // namespace mxferry::dns
