// SPDX-License-Identifier: Apache-2.0
// A whole change of a zone's mail with `mxferry dns` alone: TTLs lowered, MX and SPF flipped, each
// waited for at every server and resolver, and all of it taken back; on a real PowerDNS and a real
// BIND, each with a secondary and caching resolvers. Time is the thing under test: TTLs of seconds
// run out for real.
#include <gmock/gmock.h>

#include <algorithm>

#include "integration/dns_lab.hpp"

namespace mxferry::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSpfOld = "\"v=spf1 include:old.test -all\"";
constexpr const char* kSpfNew = "\"v=spf1 include:new.test -all\"";

class DnsCutover : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "needs root for port 53";
    static std::map<std::string, std::unique_ptr<DnsLab>> labs;
    auto& entry = labs[GetParam()];
    if (!entry) entry = std::make_unique<DnsLab>(GetParam());
    lab = entry.get();
    if (lab->broken()) FAIL() << lab->problem();
    if (!lab->problem().empty()) GTEST_SKIP() << lab->problem();
    lab->write("lower.json", R"({"rrsets":[
      {"name":"@","type":"MX","ttl":1,"records":["10 mx.old.test.","20 mx2.old.test."]},
      {"name":"@","type":"TXT","ttl":1,"records":["v=spf1 include:old.test -all","site-verification=1"]}]})");
    lab->write("flip.json", R"({"rrsets":[
      {"name":"@","type":"MX","ttl":1,"records":["10 mx.new.test."]},
      {"name":"@","type":"TXT","ttl":1,"records":["v=spf1 include:new.test -all","site-verification=1"]},
      {"name":"new._domainkey","type":"TXT","ttl":1,"records":["v=DKIM1; p=abc"]}]})");
  }

  Ended apply(const std::string& name, const std::map<std::string, std::string>& env = {}) {
    return lab->run(
        "apply", {"--desired", lab->file(name + ".json"), "--snapshot", snap(name), "--yes"}, env);
  }
  Ended restore(const std::string& name, const std::map<std::string, std::string>& env = {}) {
    return lab->run("restore", {"--snapshot", snap(name), "--yes"}, env);
  }
  Ended wait(std::vector<std::string> more, const std::string& timeout = "30s") {
    for (const int resolver : {4, 5}) {
      more.push_back("--resolver");
      more.push_back(lab->at(resolver));
    }
    more.insert(more.end(), {"--timeout", timeout, "--json"});
    return lab->run("wait", more);
  }
  std::string snap(const std::string& name) const { return lab->file(name + ".snap"); }
  void forget() {
    for (const auto& name : {"lower", "flip"}) std::filesystem::remove(snap(name));
  }
  void warm_caches() {
    for (const int resolver : {4, 5})
      for (const char* type : {"MX", "TXT"})
        ASSERT_EQ(lab->resolve(resolver, type).kind, dns::Seen::Kind::present);
  }

  DnsLab* lab = nullptr;
};

TEST_P(DnsCutover, EachStepIsSeenEverywhereBeforeItsWaitEnds) {
  const auto before = lab->run("snapshot", {}).out;
  warm_caches();
  Observer observer(*lab);
  ASSERT_EQ(apply("lower").exit, 0);
  const auto lowered = wait({"--snapshot", snap("lower")});
  ASSERT_EQ(lowered.exit, 0) << lowered.err;
  EXPECT_THAT(lowered.err, HasSubstr("holds it with the old TTL"));
  for (const int resolver : {4, 5}) EXPECT_LE(lab->resolve(resolver, "MX").ttl, 1U);

  ASSERT_EQ(apply("flip").exit, 0);
  const auto flipped = wait({"--desired", lab->file("flip.json")});
  ASSERT_EQ(flipped.exit, 0) << flipped.err;
  for (const int server : {2, 3}) {
    EXPECT_EQ(lab->ask(server, "MX").rdata, std::vector<std::string>{"10 mx.new.test."});
    EXPECT_THAT(lab->ask(server, "TXT").rdata, testing::Contains(kSpfNew));
  }
  for (const int resolver : {4, 5})
    EXPECT_EQ(lab->resolve(resolver, "MX").rdata, std::vector<std::string>{"10 mx.new.test."});

  ASSERT_EQ(restore("flip").exit, 0);
  ASSERT_EQ(wait({"--snapshot", snap("flip"), "--restored"}).exit, 0);
  for (const int resolver : {4, 5})
    EXPECT_THAT(lab->resolve(resolver, "TXT").rdata, testing::Contains(kSpfOld));
  ASSERT_EQ(restore("lower").exit, 0);
  ASSERT_EQ(wait({"--snapshot", snap("lower"), "--restored"}).exit, 0);
  EXPECT_EQ(observer.seen(), "");
  EXPECT_GT(observer.looks(), 20);
  const auto after = lab->run("snapshot", {}).out;
  const auto sets = [](const std::string& text) {
    auto json = parse_json(text, "snapshot");
    EXPECT_TRUE(json);
    Json out = Json::array();
    for (auto& set : (*json)["rrsets"]) {
      std::sort(set["records"].begin(), set["records"].end());
      if (set["type"] != "SOA") out.push_back(set);
    }
    return out;
  };
  EXPECT_EQ(sets(after), sets(before));
  forget();
}

TEST_P(DnsCutover, WhoIsBehindIsNamedWhenTimeIsUp) {
  warm_caches();
  ASSERT_EQ(apply("flip").exit, 0);
  const auto early = wait({"--snapshot", snap("flip"), "--restored"}, "0");
  EXPECT_EQ(early.exit, 7) << early.err;
  const auto json = parse_json(early.out, "wait");
  ASSERT_TRUE(json) << early.out;
  EXPECT_EQ((*json)["state"], "waiting");
  EXPECT_TRUE((*json)["retry_at"].is_string());
  bool named = false;
  for (const auto& behind : (*json)["behind"])
    if (behind["type"] == "MX" && behind["kind"] == "authoritative" && behind["answered"] == true)
      named = true;
  EXPECT_TRUE(named) << early.out;
  ASSERT_EQ(restore("flip").exit, 0);
  ASSERT_EQ(wait({"--snapshot", snap("flip"), "--restored"}).exit, 0);
  forget();
}

TEST_P(DnsCutover, WhatCannotBeWaitedForIsToldAtOnce) {
  const auto nowhere = lab->run("wait", {"--zone", "nowhere.test"});
  EXPECT_EQ(nowhere.exit, 2) << "twice";
  lab->write("edits.json", R"({"format":"mxferry-edits/1","edits":[{"kind":"string","name":"@",
    "type":"TXT","before":["a"],"after":["b"]}]})");
  const auto edits = wait({"--want", lab->file("edits.json")});
  EXPECT_EQ(edits.exit, 2);
  EXPECT_THAT(edits.err, HasSubstr("--snapshot"));
  EXPECT_EQ(wait({}).exit, 2);
  EXPECT_EQ(wait({"--desired", lab->file("flip.json"), "--restored"}).exit, 2);
}

INSTANTIATE_TEST_SUITE_P(Servers, DnsCutover, testing::Values("powerdns", "bind"),
                         [](const auto& p) { return p.param; });

}  // namespace
}  // namespace mxferry::test
