// SPDX-License-Identifier: Apache-2.0
#include "dns/port_53.hpp"

#include <gtest/gtest.h>

namespace mxferry::dns {
namespace {

Seen servers(std::vector<std::string> names) {
  Seen seen;
  seen.kind = Seen::Kind::present;
  seen.rdata = std::move(names);
  return seen;
}

TEST(Port53, OneCommonServerIsTheWorldsZone) {
  const auto same = compare_name_servers("a.test.", {"ns1.a.test.", "ns2.a.test."},
                                         {servers({"ns2.a.test.", "ns3.a.test."}), Seen()});
  EXPECT_TRUE(same.passed());
}

TEST(Port53, AnInnerViewIsNamedWithBothSides) {
  const auto split = compare_name_servers("a.test.", {"dc1.inside.test."},
                                          {servers({"ns1.a.test."}), servers({"ns2.a.test."})});
  EXPECT_EQ(split.verdict, Assertion::Verdict::fail);
  EXPECT_NE(split.why.find("dc1.inside.test."), std::string::npos);
  EXPECT_NE(split.why.find("ns1.a.test., ns2.a.test."), std::string::npos);
}

TEST(Port53, ResolversThatSayNothingProveNothing) {
  EXPECT_EQ(compare_name_servers("a.test.", {"ns1.a.test."}, {Seen(), Seen()}).verdict,
            Assertion::Verdict::unknown);
}

TEST(Port53, WhereNobodyAnswersItIsClosed) {
  // A loopback address with nobody behind it: what a firewall that rejects looks like.
  const auto closed = port_53_is_open({{"127.77.64.99", 9}}, {});
  EXPECT_EQ(closed.verdict, Assertion::Verdict::fail);
  EXPECT_NE(closed.why.find("UDP"), std::string::npos) << closed.why;
}

}  // namespace
}  // namespace mxferry::dns
