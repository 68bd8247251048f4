// SPDX-License-Identifier: Apache-2.0
#include "plan/other_mx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mxferry::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> judged(const std::string& name, const std::string& rdata) {
  config::PlanFile file;
  for (const auto* known : {"alpha.test", "known.alpha.test"}) {
    config::Domain d;
    d.name = known;
    file.domains.push_back(d);
  }
  ZoneSnapshot zone;
  zone.zone = "alpha.test.";
  ZoneRRset set;
  set.name = name;
  set.type = "MX";
  set.records = {{rdata}};
  zone.rrsets.push_back(set);
  DomainPlan domain;
  domain.name = "alpha.test";
  domain.mx_before = {"10 mx.old.test.", "20 mx.stays.test."};
  domain.mx_after = {"10 mx.new.test.", "20 mx.stays.test."};
  std::vector<std::string> out;
  for (const auto& f : find_other_mx(file, zone, domain))
    out.push_back(f.id + " " + f.subject + " " + to_string(f.severity));
  return out;
}

TEST(OtherMx, ASubdomainOrWildcardAtTheOldHostIsAWarning) {
  EXPECT_THAT(judged("sub.alpha.test.", "10 mx.old.test."),
              ElementsAre("AD-03 sub.alpha.test./MX warning"));
  EXPECT_THAT(judged("*.alpha.test.", "10 mx.old.test."),
              ElementsAre("AD-03 *.alpha.test./MX warning"));
}

TEST(OtherMx, OneElsewhereIsTold) {
  EXPECT_THAT(judged("sub.alpha.test.", "10 mx.else.test."),
              ElementsAre("AD-03 sub.alpha.test./MX info"));
  EXPECT_THAT(judged("sub.alpha.test.", "10 mx.stays.test."),
              ElementsAre("AD-03 sub.alpha.test./MX info"));
}

TEST(OtherMx, DomainsOfThePlanNullMxAndOtherZonesAreNone) {
  EXPECT_THAT(judged("alpha.test.", "10 mx.old.test."), IsEmpty());
  EXPECT_THAT(judged("known.alpha.test.", "10 mx.old.test."), IsEmpty());
  EXPECT_THAT(judged("sub.alpha.test.", "0 ."), IsEmpty());
  EXPECT_THAT(judged("sub.beta.test.", "10 mx.old.test."), IsEmpty());
}

}  // namespace
}  // namespace mxferry::plan
