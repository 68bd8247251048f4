// SPDX-License-Identifier: Apache-2.0
// A whole change of a zone's mail with `mxferry dns` alone: TTLs lowered, MX and SPF flipped, each
// waited for at every server and resolver, and all of it taken back; on a real PowerDNS and a real
// BIND, each with a secondary and caching resolvers. Time is the thing under test: TTLs of seconds
// run out for real.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

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
  Ended wait(std::vector<std::string> more, const std::string& timeout = "30s",
             const std::map<std::string, std::string>& env = {}) {
    for (const int resolver : {4, 5}) {
      more.push_back("--resolver");
      more.push_back(lab->at(resolver));
    }
    more.insert(more.end(), {"--timeout", timeout, "--json"});
    return lab->run("wait", more, env);
  }
  // All sets as the API has them, but for the SOA with its serial.
  Json zone() {
    const auto text = lab->run("snapshot", {}).out;
    auto json = parse_json(text, "snapshot");
    EXPECT_TRUE(json) << text;
    Json out = Json::array();
    for (auto& set : (*json)["rrsets"]) {
      std::sort(set["records"].begin(), set["records"].end());
      if (set["type"] != "SOA") out.push_back(set);
    }
    return out;
  }
  std::string snap(const std::string& name) const { return lab->file(name + ".snap"); }
  void forget() {
    for (const auto& name : {"lower", "flip"}) {
      std::filesystem::remove(snap(name));
      std::filesystem::remove(snap(name) + ".journal");
    }
  }
  void warm_caches() {
    for (const int resolver : {4, 5})
      for (const char* type : {"MX", "TXT"})
        ASSERT_EQ(lab->resolve(resolver, type).kind, dns::Seen::Kind::present);
  }

  DnsLab* lab = nullptr;
};

TEST_P(DnsCutover, EachStepIsSeenEverywhereBeforeItsWaitEnds) {
  const auto before = zone();
  warm_caches();
  Observer observer(*lab);
  ASSERT_EQ(apply("lower").exit, 0);
  const auto lowered = wait({"--snapshot", snap("lower")});
  ASSERT_EQ(lowered.exit, 0) << lowered.err;
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
  EXPECT_EQ(observer.seen(), "");
  EXPECT_GT(observer.looks(), 20);
  EXPECT_EQ(zone(), before);
  forget();
}

// At each point between an act and its record, in each step: the same command goes on to the same
// end, and on the way there is no moment without MX or with two SPF records. With
// MXFERRY_PROVE_KILLS=all (scripts/prove dns-kills) between any two answers of the API, too.
TEST_P(DnsCutover, KilledAtEachPointTheSameCommandEndsTheSame) {
  const auto before = zone();
  ASSERT_EQ(apply("lower").exit, 0);
  const auto lowered = zone();
  ASSERT_EQ(apply("flip", {{"MXFERRY_DEBUG_POINTS", lab->file("points")}}).exit, 0);
  const auto flipped = zone();
  ASSERT_EQ(restore("flip").exit, 0);
  ASSERT_EQ(restore("lower").exit, 0);
  ASSERT_EQ(zone(), before);
  forget();
  std::istringstream lines(read_text(lab->file("points")));
  std::vector<std::string> points;
  for (std::string point; std::getline(lines, point);)
    if (point.starts_with("zone.")) points.push_back(point);
  const auto passed = read_text(lab->file("points"));
  ASSERT_THAT(points, testing::ElementsAre("zone.kept", "zone.intent", "zone.sent", "zone.accepted",
                                           "zone.written"));
  const char* how = std::getenv("MXFERRY_PROVE_KILLS");
  const bool all = how != nullptr && std::string(how) == "all";
  const auto moments = std::count(passed.begin(), passed.end(), '\n');
  for (std::ptrdiff_t n = 1; all && n <= moments; ++n) points.push_back("any:" + std::to_string(n));
  int kills = 0;
  const auto expect_kill = [&](const Ended& ended) {
    // Another command of the same name may pass fewer points than the flip.
    if (ended.exit != 0 || !all) {
      EXPECT_EQ(ended.exit, 128 + SIGKILL) << ended.err;
    }
    if (ended.exit != 0) ++kills;
  };
  Observer observer(*lab);
  for (const auto& point : points) {
    SCOPED_TRACE(point);
    const std::map<std::string, std::string> kill = {{"MXFERRY_DEBUG_KILL_AT", point}};
    const auto step = [&](const std::string& command, const std::string& name, const Json& end) {
      const auto go = [&](const auto& env) {
        return command == "apply" ? apply(name, env) : restore(name, env);
      };
      expect_kill(go(kill));
      const auto resumed = go(std::map<std::string, std::string>{});
      EXPECT_EQ(resumed.exit, 0) << resumed.err;
      EXPECT_EQ(zone(), end);
    };
    step("apply", "lower", lowered);
    step("apply", "flip", flipped);
    // Among the authoritative servers' confirmations, and when resolvers had been asked.
    for (const std::string at : {"wait.authorities:3", "wait.resolvers:1"}) {
      if (!all && point != points.front()) continue;
      expect_kill(wait({"--snapshot", snap("flip")}, "30s", {{"MXFERRY_DEBUG_KILL_AT", at}}));
    }
    const auto seen = wait({"--snapshot", snap("flip")});
    EXPECT_EQ(seen.exit, 0) << seen.err;
    step("restore", "flip", lowered);
    step("restore", "lower", before);
    const auto back =
        lab->run("wait", {"--snapshot", snap("lower"), "--restored", "--timeout", "30s"});
    EXPECT_EQ(back.exit, 0) << back.err;
    // The other way out of a killed apply.
    forget();
    expect_kill(apply("flip", kill));
    if (std::filesystem::exists(snap("flip"))) {
      EXPECT_EQ(restore("flip").exit, 0);
    }
    EXPECT_EQ(zone(), before);
    forget();
  }
  EXPECT_EQ(observer.seen(), "");
  EXPECT_GT(observer.looks(), 50);
  std::cout << GetParam() << ": " << kills << " kills at " << points.size() << " points, "
            << observer.looks() << " looks at each server's MX and SPF\n";
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
