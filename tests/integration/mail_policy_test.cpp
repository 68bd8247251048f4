// SPDX-License-Identifier: Apache-2.0
// `mxferry spf check` and `dmarc check` as an operator types them, through a real resolver
// (Unbound) and a real authority (Knot).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/json_reader.hpp"
#include "support/command_run.hpp"
#include "support/lab_server.hpp"

namespace mxferry::test {
namespace {

const char* const kAuthority = "127.77.71.1";
const char* const kResolver = "127.77.71.2";

std::string zone() {
  std::string out =
      "$TTL 60\n$ORIGIN policy.test.\n@ SOA ns1 hostmaster 1 3600 600 86400 10\n@ NS ns1\n"
      "ns1 A 127.77.71.1\n"
      "@ TXT \"v=spf1 include:_inc.%{d} mx \" \"exists:%{ir}.%{l1r-}.ok.%{d} -all exp=why.%{d}\"\n"
      "@ MX 10 mx\nmx A 192.0.2.10\nmx AAAA 2001:db8::10\n"
      "_inc CNAME _provider\n_provider TXT \"v=spf1 ip4:198.51.100.0/24 ?all\"\n"
      "why TXT \"%{i} may not send for %{d}\"\n"
      "3.2.0.192.strong.ok A 127.0.0.2\n"
      "two TXT \"v=spf1 -all\"\ntwo TXT \"v=spf1 +all\"\n"
      "voids TXT \"v=spf1 a:n1.policy.test a:n2.policy.test a:n3.policy.test -all\"\n"
      "dead TXT \"v=spf1 include:spf.dead.test +all\"\n"
      "_dmarc TXT \"v=DMARC1; p=reject; sp=quarantine; np=none\"\n"
      "_dmarc.odd TXT \"v=DMARC1; p=reject; pct=10\"\n_dmarc.odd TXT \"v=DMARC1; p=none\"\n"
      "google._domainkey TXT \"v=DKIM1; k=ed25519; "
      "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
      "large TXT \"v=spf1 ip4:192.0.2.1 -all\"\n";
  for (int i = 0; i < 20; ++i)  // more than a datagram of 1232 octets holds
    out += "large TXT \"" + std::to_string(i) + std::string(180, 'x') + "\"\n";
  return out;
}

// The zone above, which is asked for the DS set.
const char* const kParent =
    "$TTL 60\n$ORIGIN test.\n@ SOA ns1.policy hostmaster.policy 1 3600 600 86400 10\n"
    "@ NS ns1.policy\npolicy NS ns1.policy\nns1.policy A 127.77.71.1\n";

class MailPolicy : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const TempDir zones;
    std::ofstream(zones / "policy.test.zone") << zone();
    std::ofstream(zones / "test.zone") << kParent;
    std::ofstream(suffixes_ / "list.dat") << "test\npolicy.test\n";
    port_ = free_port(kResolver);
    const std::string port = authority_port_ = free_port(kAuthority);
    authority_ = std::make_unique<LabServer>(
        "knot",
        std::vector<std::string>{"address=" + std::string(kAuthority), "port=" + port,
                                 "zone=policy.test:" + (zones / "policy.test.zone").string() +
                                     ",test:" + (zones / "test.zone").string()});
    if (!authority_->available()) return;
    resolver_ = std::make_unique<LabServer>(
        "unbound", std::vector<std::string>{"address=" + std::string(kResolver), "port=" + port_,
                                            "stub=policy.test=" + std::string(kAuthority) + "@" +
                                                port + ",test=" + kAuthority + "@" + port +
                                                ",dead.test=127.77.71.9@53"});
  }
  static void TearDownTestSuite() {
    resolver_.reset();
    authority_.reset();
  }
  void SetUp() override {
    MXF_NEED_SERVER(*authority_);
    MXF_NEED_SERVER(*resolver_);
  }

  static std::string resolver() { return std::string(kResolver) + ":" + port_; }

  static Json spf(const std::string& ip, const std::string& sender, int exit,
                  const std::string& resolver = MailPolicy::resolver()) {
    CommandRun run({"spf", "check", "--ip", ip, "--helo", "mail.example.net", "--from", sender,
                    "--resolver", resolver, "--json"},
                   {});
    EXPECT_EQ(run.wait(), exit) << run.err();
    auto json = parse_json(run.out(), "spf check");
    EXPECT_TRUE(json) << run.out() << run.err();
    return json ? *json : Json::object();
  }

  static Json dmarc(const std::vector<std::string>& words, int exit) {
    std::vector<std::string> args = {"dmarc",
                                     "check",
                                     "--resolver",
                                     resolver(),
                                     "--json",
                                     "--suffixes",
                                     (suffixes_ / "list.dat").string()};
    args.insert(args.end(), words.begin(), words.end());
    CommandRun run(args, {});
    EXPECT_EQ(run.wait(), exit) << run.err();
    auto json = parse_json(run.out(), "dmarc check");
    EXPECT_TRUE(json) << run.out() << run.err();
    return json ? *json : Json::object();
  }

  static Json audit(const std::string& domain, int exit, const std::vector<std::string>& more) {
    std::vector<std::string> args = {"dns",
                                     "audit",
                                     domain,
                                     "--resolver",
                                     resolver(),
                                     "--json",
                                     "--authority-port",
                                     authority_port_,
                                     "--suffixes",
                                     (suffixes_ / "list.dat").string()};
    args.insert(args.end(), more.begin(), more.end());
    CommandRun run(args, {});
    EXPECT_EQ(run.wait(), exit) << run.out() << run.err();
    auto json = parse_json(run.out(), "dns audit");
    EXPECT_TRUE(json) << run.out() << run.err();
    return json ? *json : Json::object();
  }
  static bool has(const Json& audit, const std::string& id, const std::string& severity) {
    const auto& all = audit["findings"];
    return std::any_of(all.begin(), all.end(), [&](const Json& finding) {
      return finding["id"] == id && finding["severity"] == severity;
    });
  }

  static inline TempDir suffixes_;
  static inline std::unique_ptr<LabServer> authority_, resolver_;
  static inline std::string port_, authority_port_;
};

TEST_F(MailPolicy, SpfIsEvaluatedThroughARealResolver) {
  auto json = spf("192.0.2.10", "anna@policy.test", 0);
  EXPECT_EQ(json["result"], "pass");
  EXPECT_EQ(json["lookups"], 2);
  EXPECT_EQ(json["voids"], 0);
  EXPECT_TRUE(json["explanation"].is_null());
  EXPECT_EQ(json["matched"], "mx");
  EXPECT_EQ(spf("2001:db8::10", "anna@policy.test", 0)["result"], "pass");
  EXPECT_EQ(spf("198.51.100.7", "anna@policy.test", 0)["matched"], "include:_inc.%{d}")
      << "an alias is followed";
  EXPECT_EQ(spf("192.0.2.3", "strong-bad@policy.test", 0)["result"], "pass");
  json = spf("192.0.2.3", "anna@policy.test", 0);
  EXPECT_EQ(json["result"], "fail");
  EXPECT_EQ(json["explanation"], "192.0.2.3 may not send for policy.test");
  EXPECT_EQ(json["voids"], 1);
}

TEST_F(MailPolicy, SpfErrorsAreWhatTheRfcCallsThem) {
  EXPECT_EQ(spf("192.0.2.1", "anna@two.policy.test", 1)["result"], "permerror");
  const auto voids = spf("192.0.2.1", "anna@voids.policy.test", 1);
  EXPECT_EQ(voids["result"], "permerror");
  EXPECT_EQ(voids["voids"], 3);
  EXPECT_EQ(spf("192.0.2.1", "anna@nobody.policy.test", 0)["result"], "none");
  EXPECT_EQ(spf("192.0.2.1", "anna@dead.policy.test", 4)["result"], "temperror");
  EXPECT_EQ(spf("192.0.2.1", "<>", 4)["domain"], "mail.example.net") << "no way to it from here";
}

TEST_F(MailPolicy, SpfRecordBehindATruncatedAnswerIsFetchedByTcp) {
  EXPECT_EQ(spf("192.0.2.1", "anna@large.policy.test", 0)["result"], "pass");
}

TEST_F(MailPolicy, SpfOfADeadResolverIsTemperror) {
  EXPECT_EQ(spf("192.0.2.1", "anna@policy.test", 4, "127.77.71.9:53")["result"], "temperror");
}

TEST_F(MailPolicy, SpfPrintsALineForPeopleAndRefusesWhatIsNoAddress) {
  CommandRun text({"spf", "check", "--ip", "192.0.2.10", "--helo", "h.test", "--from",
                   "anna@policy.test", "--resolver", resolver()},
                  {});
  EXPECT_EQ(text.wait(), 0) << text.err();
  EXPECT_EQ(text.out(), "pass  policy.test  by mx  (2 of 10 lookups, 0 of 2 void)\n");
  const std::vector<std::vector<std::string>> mistakes = {{"192.0.2.256", resolver()},
                                                          {"192.0.2.1", "ns.example:53"}};
  for (const auto& wrong : mistakes) {
    CommandRun run({"spf", "check", "--ip", wrong[0], "--helo", "h.test", "--from", "a@policy.test",
                    "--resolver", wrong[1]},
                   {});
    EXPECT_EQ(run.wait(), 2) << run.out();
  }
}

TEST_F(MailPolicy, DmarcIsJudgedByBothRfcsAndDifferencesAreTold) {
  auto json =
      dmarc({"--from", "policy.test", "--spf-domain", "policy.test", "--spf-result", "pass"}, 0);
  EXPECT_EQ(json["result"], "pass");
  EXPECT_EQ(json["policy"], "reject");
  EXPECT_TRUE(json["spf"]["aligned"]);
  EXPECT_EQ(json["record_domain"], "policy.test");
  EXPECT_EQ(json["rfc7489"]["result"], "pass");
  EXPECT_TRUE(json["differences"].empty()) << json.dump();
  json = dmarc({"--from", "a@mx.policy.test", "--dkim-domain", "policy.test", "--dkim-result",
                "pass", "--dkim-domain", "spf.dead.test", "--dkim-result", "pass"},
               1);
  EXPECT_EQ(json["result"], "pass");
  EXPECT_EQ(json["policy_tag"], "sp");
  EXPECT_EQ(json["organizational_domain"], "policy.test");
  EXPECT_TRUE(json["dkim"][0]["aligned"]);
  EXPECT_FALSE(json["dkim"][1]["aligned"]);
  EXPECT_EQ(json["rfc7489"]["result"], "none") << "policy.test is a public suffix in this list";
  EXPECT_FALSE(json["differences"].empty());
  EXPECT_EQ(dmarc({"--from", "gone.policy.test"}, 0)["policy_tag"], "np");
}

TEST_F(MailPolicy, DmarcTellsWhatIsWrongWithRecordsAndArguments) {
  const auto json = dmarc({"--from", "odd.policy.test"}, 1);
  EXPECT_EQ(json["record_domain"], "policy.test");
  EXPECT_EQ(json["problems"].size(), 1U) << json.dump();
  EXPECT_EQ(dmarc({"--from", "spf.dead.test"}, 4)["result"], "temperror");
  const std::vector<std::vector<std::string>> mistakes = {
      {"--from", "a..b"},
      {"--from", "policy.test", "--spf-domain", "policy.test"},
      {"--from", "policy.test", "--dkim-domain", "policy.test", "--dkim-result", "good"}};
  for (const auto& mistake : mistakes) {
    std::vector<std::string> args = {"dmarc", "check"};
    args.insert(args.end(), mistake.begin(), mistake.end());
    CommandRun run(args, {});
    EXPECT_EQ(run.wait(), 2) << run.out() << run.err();
  }
}

TEST_F(MailPolicy, AnAuditSeesTheWholeDomainAndPlantsNothing) {
  const auto begin = std::chrono::steady_clock::now();
  const auto clean = audit("policy.test", 0, {"--allow-loopback"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(clean["errors"], 0) << clean.dump(1);
  EXPECT_EQ(clean["warnings"], 0) << clean.dump(1);
  EXPECT_EQ(clean["zone"], "policy.test");
  EXPECT_EQ(clean["spf"]["lookups"], 3);
  EXPECT_EQ(clean["spf"]["tree"].size(), 3U);
  EXPECT_EQ(clean["dkim"]["google"], "ed25519 256") << "a selector that was guessed";
  EXPECT_EQ(clean["dmarc"]["policy"], "reject");
  // The other guesses were asked of the authority: the resolver remembers none of them.
  std::string cache;
  ASSERT_TRUE(resolver_->run("control", {"dump_cache"}, &cache));
  EXPECT_NE(cache.find("_dmarc.policy.test"), std::string::npos) << "what was asked of it is there";
  EXPECT_EQ(cache.find("selector1._domainkey"), std::string::npos);
  EXPECT_EQ(cache.find("google._domainkey"), std::string::npos);
}

TEST_F(MailPolicy, AnAuditNamesWhatIsWrongAndHowToMendIt) {
  const auto bad = audit("two.policy.test", 1, {"--selector", "none"});
  EXPECT_TRUE(has(bad, "SPF-01", "error")) << bad.dump(1);
  EXPECT_TRUE(has(bad, "MX-05", "warning"));
  EXPECT_TRUE(has(bad, "DK-03", "error"));
  EXPECT_TRUE(has(audit("policy.test", 1, {}), "MX-03", "error")) << "an address of no public net";
  audit("nobody.policy.test", 4, {});
  audit("spf.dead.test", 4, {});
  CommandRun text({"dns", "audit", "two.policy.test", "--resolver", resolver()}, {});
  EXPECT_EQ(text.wait(), 1) << text.err();
  EXPECT_NE(text.out().find("error   SPF-01 two.policy.test: the domain has 2 SPF records"),
            std::string::npos)
      << text.out();
  CommandRun which({"dns", "audit"}, {});
  EXPECT_EQ(which.wait(), 2);
}

TEST_F(MailPolicy, AMergedSpfRecordLetsBothProvidersSend) {
  const std::string wanted = "v=spf1 include:_provider.policy.test ip4:203.0.113.0/24 -all";
  CommandRun run({"spf", "merge", "--domain", "policy.test", "--new", wanted, "--resolver",
                  resolver(), "--json"},
                 {});
  EXPECT_EQ(run.wait(), 0) << run.err();
  auto json = parse_json(run.out(), "spf merge");
  ASSERT_TRUE(json) << run.out();
  EXPECT_TRUE((*json)["proven"]);
  EXPECT_EQ((*json)["record"],
            "v=spf1 include:_inc.%{d} ip4:192.0.2.10 ip6:2001:db8::10 "
            "exists:%{ir}.%{l1r-}.ok.%{d} include:_provider.policy.test ip4:203.0.113.0/24 -all "
            "exp=why.%{d}");
  EXPECT_EQ((*json)["outside"].size(), 2U);
  CommandRun none(
      {"spf", "merge", "--domain", "two.policy.test", "--new", wanted, "--resolver", resolver()},
      {});
  EXPECT_EQ(none.wait(), 2) << none.err();
}

}  // namespace
}  // namespace mxferry::test
