// SPDX-License-Identifier: Apache-2.0
// The audit without name servers of its own: each case is a zone and what must be found. (The name
// servers and guessed selectors are looked at in tests/integration/mail_policy_test.cpp.)
#include "dns/audit.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/scripted_lookups.hpp"

namespace mxferry::dns {
namespace {

const std::string kGood = R"(
example.com MX 10 mx.example.com.
mx.example.com A 8.8.4.4
example.com TXT "v=spf1 mx -all"
_dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:d@example.com"
_smtp._tls.example.com TXT "v=TLSRPTv1; rua=mailto:t@example.com"
example.com SOA ns.example.com. h.example.com. 1 2 3 4 5
)";

Audit audit(const std::string& zone, const std::string& policy = "") {
  test::ScriptedLookups dns(zone);
  AuditRequest request;
  request.domain = "example.com.";
  request.selectors = {"s"};
  request.fetch_policy = [&](const std::vector<std::string>&) -> Result<std::string> {
    if (policy.empty()) return fail(ErrorCode::network, "policy", "no answer");
    return policy;
  };
  return audit_domain(request, dns, {});
}

// "ID severity" of everything above info.
std::vector<std::string> found(const Audit& audit) {
  std::vector<std::string> out;
  for (const auto& finding : audit.findings) {
    if (finding.severity == Severity::info) continue;
    EXPECT_FALSE(finding.remedy.empty()) << finding.id;
    out.push_back(finding.id + (finding.severity == Severity::block ? " error" : " warning"));
  }
  std::sort(out.begin(), out.end());
  return out;
}
using Found = std::vector<std::string>;

// The key of RFC 8463 Appendix A.2.
const std::string kKey =
    "s._domainkey.example.com TXT \"v=DKIM1; k=ed25519; "
    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n";

TEST(Audit, ACleanDomainHasNothingAboveInfo) {
  const auto clean = audit(kGood + kKey);
  EXPECT_EQ(found(clean), Found{});
  EXPECT_TRUE(clean.readable);
  EXPECT_EQ(clean.mx, Found{"10 mx.example.com."});
  ASSERT_TRUE(clean.spf);
  EXPECT_EQ(clean.spf->lookups, 1);
  EXPECT_EQ(clean.dkim.at("s"), "ed25519 256");
  EXPECT_EQ(clean.dmarc->policy, DmarcPolicy::reject);
}

// How DS and DNSKEY belong together stands in rrsig_test.cpp.
TEST(Audit, ADsThatNamesNoKeyOfTheZoneIsAnError) {
  const std::string zone = kGood + kKey + "example.com NS ns.example.com.\n";
  const std::string key = "example.com DNSKEY \\# 8 0100030800010203\n";
  const auto of = [&](const std::string& more) { return found(audit(zone + more)); };
  const auto has = [&](const std::string& more) {
    const auto all = of(more);
    return std::count(all.begin(), all.end(), "DN-01 error");
  };
  const std::string ds =
      "example.com DS 1548 8 2 24f714f6cae44ced9c9bb24eef408f44086f83d8e90381036cf30a37db29cb2c\n";
  EXPECT_EQ(has(key), 0) << "not signed at the parent";
  EXPECT_EQ(has(ds + key), 0);
  EXPECT_EQ(has(ds), 1) << "no DNSKEY at all";
  EXPECT_EQ(has("example.com DS 1 8 2 00\n" + key), 1);
  EXPECT_EQ(has("example.com DS 1 8 2 00\n" + ds + key), 0) << "one is enough";
  EXPECT_EQ(has("example.com DS 1 8 3 00\n" + key), 0) << "a digest that proves nothing";
}

TEST(Audit, WhatCannotBeLookedUpIsNeverAbsent) {
  EXPECT_FALSE(audit("example.com FAIL").readable);
  EXPECT_FALSE(audit("example.net A 192.0.2.1").readable);
  const auto failing = found(audit(kGood + kKey + "_smtp._tls.example.com FAIL"));
  EXPECT_EQ(failing, Found{"TR-01 warning"});
}

TEST(Audit, MxIsHeldAgainstTheRfcs) {
  const std::string rest =
      "example.com TXT \"v=spf1 -all\"\n_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n" + kKey;
  EXPECT_EQ(found(audit(rest)), Found{"MX-05 warning"});
  EXPECT_EQ(found(audit(rest + "example.com MX 10 m.example.com.\nm.example.com CNAME o.example."
                               "com.\no.example.com A 8.8.4.4")),
            Found{"MX-02 error"});
  EXPECT_EQ(found(audit(rest + "example.com MX 10 m.example.com.")), Found{"MX-03 error"});
  EXPECT_EQ(found(audit(rest + "example.com MX 10 m.example.com.\nm.example.com A 10.0.0.1")),
            Found{"MX-03 error"});
  EXPECT_EQ(
      found(audit(rest + "example.com MX 10 m.example.com.\nm.example.com AAAA 2606:4700::1")),
      Found{"MX-03 warning"});
  EXPECT_EQ(found(audit(rest + "example.com MX 10 192.0.2.1.\n192.0.2.1 A 8.8.4.4")),
            Found{"MX-01 error"});
  EXPECT_EQ(found(audit(rest + "example.com MX 0 .")), Found{});
  EXPECT_EQ(found(audit(rest + "example.com MX 0 .\nexample.com MX 10 m.example.com.\n"
                               "m.example.com A 8.8.4.4")),
            Found{"MX-04 error"});
}

TEST(Audit, SpfIsCountedThroughItsTree) {
  const std::string rest =
      "example.com MX 0 .\n_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n" + kKey;
  const auto of = [&](const std::string& record, const std::string& more = "") {
    return found(audit(rest + "example.com TXT \"" + record + "\"\n" + more));
  };
  EXPECT_EQ(found(audit(rest)), Found{"SPF-01 warning"});
  EXPECT_EQ(of("v=spf1 -all", "example.com TXT \"v=spf1 mx -all\""), Found{"SPF-01 error"});
  EXPECT_EQ(of("v=spf1 +all"), Found{"SPF-05 error"});
  EXPECT_EQ(of("v=spf1 ip4:192.0.2.1"), Found{"SPF-05 warning"});
  EXPECT_EQ(of("v=spf1 ptr -all"), Found{"SPF-05 warning"});
  EXPECT_EQ(of("v=spf1 foo -all"), Found{"SPF-12 error"});
  EXPECT_EQ(of("v=spf1 include:no.example -all"), Found{"SPF-12 error"});
  EXPECT_EQ(of("v=spf1 include:dead.example -all", "dead.example FAIL"), Found{"SPF-12 warning"});
  EXPECT_EQ(of("v=spf1 a:1.no.example a:2.no.example -all"), Found{"SPF-03 warning"});
  EXPECT_EQ(of("v=spf1 a:1.no.example a:2.no.example a:3.no.example -all"), Found{"SPF-03 error"});
  std::string many = "v=spf1";
  std::string hosts;
  for (int i = 0; i < 11; ++i) {
    many += " a:h" + std::to_string(i) + ".test.net";
    hosts += "h" + std::to_string(i) + ".test.net A 192.0.2.1\n";
  }
  EXPECT_EQ(of(many + " -all", hosts), Found{"SPF-02 error"});
}

TEST(Audit, KeysAndPoliciesAreJudged) {
  const std::string rest = "example.com MX 0 .\nexample.com TXT \"v=spf1 -all\"\n";
  const std::string dmarc = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n";
  const auto key = [&](const std::string& text) {
    return found(audit(rest + dmarc + "s._domainkey.example.com TXT \"" + text + "\""));
  };
  EXPECT_EQ(found(audit(rest + dmarc)), Found{"DK-03 error"}) << "the selector that was given";
  EXPECT_EQ(key("v=DKIM1; p="), Found{"DK-04 error"});
  EXPECT_EQ(key("v=DKIM1; k=rsa; p=MIIBIjAN"), Found{"DK-03 error"});
  EXPECT_EQ(key("v=DKIM1; k=ed25519; t=y; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
            Found{"DK-04 warning"});
  EXPECT_EQ(found(audit(rest + kKey)), Found{"DM-01 warning"});
  EXPECT_EQ(found(audit(rest + kKey + dmarc + "_dmarc.example.com TXT \"v=DMARC1; p=none\""))[0],
            "DM-01 error");
  const std::string abroad =
      "_dmarc.example.com TXT \"v=DMARC1; p=reject; rua=mailto:a@reports.example.net\"\n";
  EXPECT_EQ(found(audit(rest + kKey + abroad)), Found{"DM-05 warning"});
  EXPECT_EQ(found(audit(rest + kKey + abroad +
                        "example.com._report._dmarc.reports.example.net TXT \"v=DMARC1\"")),
            Found{});
  EXPECT_EQ(found(audit(rest + kKey + "_dmarc.example.com TXT \"v=DMARC1; p=reject; pct=5\"")),
            Found{"DM-04 warning"});
}

TEST(Audit, TheMtaStsPolicyMustListTheHosts) {
  const std::string zone = kGood + kKey +
                           "_mta-sts.example.com TXT \"v=STSv1; id=1\"\n"
                           "mta-sts.example.com A 8.8.4.4\n";
  const auto policy = [](const std::string& mode, const std::string& mx) {
    return "version: STSv1\r\nmode: " + mode + "\r\nmx: " + mx + "\r\nmax_age: 86400\r\n";
  };
  EXPECT_EQ(found(audit(zone, policy("enforce", "*.example.com"))), Found{});
  EXPECT_EQ(found(audit(zone, policy("enforce", "mx.example.net"))), Found{"ST-04 error"});
  EXPECT_EQ(found(audit(zone, policy("testing", "mx.example.net"))), Found{"ST-04 warning"});
  EXPECT_EQ(found(audit(zone)), Found{"ST-01 error"}) << "it cannot be had";
  EXPECT_EQ(found(audit(zone, "nonsense")), Found{"ST-01 error"});
}

TEST(Audit, ClientRecordsMustLeadSomewhere) {
  EXPECT_EQ(found(audit(kGood + kKey +
                        "_imaps._tcp.example.com SRV 0 1 993 gone.example.com.\n"
                        "_imap._tcp.example.com SRV 0 0 0 .")),
            Found{"CL-01 warning"});
  EXPECT_EQ(found(audit(kGood + kKey + "autodiscover.example.com CNAME gone.example.net.")),
            Found{"CL-02 warning"});
}

}  // namespace
}  // namespace mxferry::dns
