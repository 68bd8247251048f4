// SPDX-License-Identifier: Apache-2.0
#include "app/dns_wait.hpp"

#include <gtest/gtest.h>

#include "app/dns_snapshot_file.hpp"

namespace mxferry::app {
namespace {

ZoneRRset rrset(const std::string& type, std::uint32_t ttl, std::vector<ZoneRecord> records) {
  return {"a.test.", type, ttl, {}, std::move(records)};
}

std::string applied() {
  AppliedSnapshot snapshot;
  snapshot.plugin = "powerdns";
  snapshot.before.zone = "a.test.";
  snapshot.before.rrsets = {rrset("MX", 40, {{"10 old.test."}})};
  snapshot.changes = {
      {rrset("MX", 40, {{"10 old.test."}}),
       rrset("MX", 10, {{"10 new.test."}, {"20 off.test.", "", R"({"disabled":true})"}})},
      {std::nullopt, rrset("TXT", 10, {{"\"made\""}})}};
  return snapshot_text(snapshot);
}

TEST(DnsWait, AnApplysSnapshotSaysWhatIsToBeSeenAfterItAndAfterItsRestore) {
  const auto after = expected_of(applied(), "a.test.", false, "f");
  ASSERT_TRUE(after) << after.error().message();
  ASSERT_EQ(after->size(), 2U);
  EXPECT_EQ((*after)[0].rdata, std::vector<std::string>{"10 new.test."})
      << "what the API keeps without serving it is not waited for";
  EXPECT_EQ((*after)[0].ttl, 10U);
  const auto restored = expected_of(applied(), "a.test.", true, "f");
  ASSERT_TRUE(restored);
  EXPECT_EQ((*restored)[0].rdata, std::vector<std::string>{"10 old.test."});
  EXPECT_EQ((*restored)[0].ttl, 40U);
  EXPECT_TRUE((*restored)[1].rdata.empty()) << "what it created must be gone";
  EXPECT_FALSE((*restored)[1].ttl);
}

TEST(DnsWait, WhatIsDesiredIsToBeSeenWithItsTtlWhereItNamesOne) {
  const auto out = expected_of(
      R"({"rrsets":[{"name":"@","type":"MX","ttl":5,"records":["10 new.test."]},
                    {"name":"@","type":"TXT","records":["plain"]},
                    {"name":"w","type":"A","ttl":5,"records":[]}]})",
      "a.test.", false, "f");
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ((*out)[0].ttl, 5U);
  EXPECT_EQ((*out)[1].rdata, std::vector<std::string>{"\"plain\""});
  EXPECT_FALSE((*out)[1].ttl);
  EXPECT_TRUE((*out)[2].rdata.empty());
  EXPECT_FALSE((*out)[2].ttl);
}

TEST(DnsWait, WhatDoesNotSayHowASetMustBeIsRefused) {
  EXPECT_EQ(expected_of(applied(), "b.test.", false, "f").error().code, ErrorCode::config);
  auto cut = applied();
  cut.resize(cut.size() / 2);
  EXPECT_EQ(expected_of(cut, "a.test.", false, "f").error().code, ErrorCode::config);
  EXPECT_EQ(expected_of(R"({"rrsets":[]})", "a.test.", true, "f").error().code, ErrorCode::config);
  EXPECT_EQ(expected_of(R"({"format":"mxferry-edits/1","edits":[{"kind":"string","name":"a.test.",
      "type":"TXT","before":["\"x\""],"after":["\"y\""]}]})",
                        "a.test.", false, "f")
                .error()
                .code,
            ErrorCode::config);
}

}  // namespace
}  // namespace mxferry::app
