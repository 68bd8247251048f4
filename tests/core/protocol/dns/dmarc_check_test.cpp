// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/dmarc_check.hpp"

#include <gtest/gtest.h>

#include "support/scripted_lookups.hpp"

namespace mxferry::dns {
namespace {

DmarcRequest request(const std::string& author, const std::string& spf_domain,
                     const std::string& spf_result, const std::string& dkim_domain = "",
                     const std::string& dkim_result = "none") {
  DmarcRequest out;
  out.author = author;
  out.spf = {spf_domain, spf_result};
  if (!dkim_domain.empty()) out.dkim.push_back({dkim_domain, dkim_result});
  return out;
}

const PublicSuffixes kSuffixes("// comment\ncom\nuk\nco.uk\n*.ck\n!www.ck\ngithub.io\n");

TEST(PublicSuffixes, AnOrganizationIsOneLabelMoreThanTheSuffix) {
  EXPECT_EQ(kSuffixes.organizational_domain("a.b.example.com."), "example.com.");
  EXPECT_EQ(kSuffixes.organizational_domain("mail.example.co.uk."), "example.co.uk.");
  EXPECT_EQ(kSuffixes.organizational_domain("co.uk."), "co.uk.");
  EXPECT_EQ(kSuffixes.organizational_domain("a.b.c.ck."), "b.c.ck.");
  EXPECT_EQ(kSuffixes.organizational_domain("a.www.ck."), "www.ck.");
  EXPECT_EQ(kSuffixes.organizational_domain("me.github.io."), "me.github.io.");
  EXPECT_EQ(kSuffixes.organizational_domain("a.example.unlisted."), "example.unlisted.");
  EXPECT_EQ(kSuffixes.organizational_domain("unlisted."), "unlisted.");
  EXPECT_TRUE(PublicSuffixes("// nothing\n").empty());
}

TEST(Dmarc, OneAlignedPassIsEnough) {
  const std::string zone = "_dmarc.example.com TXT \"v=DMARC1; p=reject\"";
  const auto result = [&](const DmarcRequest& what) {
    test::ScriptedLookups dns(zone);
    return check_dmarc(what, dns).result;
  };
  EXPECT_EQ(result(request("example.com.", "example.com.", "pass")), DmarcResult::pass);
  EXPECT_EQ(result(request("example.com.", "bounce.example.com.", "pass")), DmarcResult::pass);
  EXPECT_EQ(result(request("example.com.", "other.net.", "pass", "example.com.", "pass")),
            DmarcResult::pass);
  EXPECT_EQ(result(request("example.com.", "other.net.", "pass", "other.net.", "pass")),
            DmarcResult::fail);
  EXPECT_EQ(result(request("example.com.", "badexample.com.", "pass")), DmarcResult::fail);
  EXPECT_EQ(result(request("example.com.", "example.com.", "softfail")), DmarcResult::fail);
  EXPECT_EQ(result(request("example.com.", "", "")), DmarcResult::fail);
  EXPECT_EQ(result(request("example.com.", "example.com.", "temperror", "o.net.", "pass")),
            DmarcResult::temperror)
      << "RFC 9989 §5.3: nobody can conclude that it failed";
  EXPECT_EQ(result(request("example.com.", "o.net.", "temperror")), DmarcResult::fail)
      << "it could not have been aligned";
  EXPECT_EQ(result(request("example.net.", "example.net.", "pass")), DmarcResult::none);
}

TEST(Dmarc, StrictMeansTheSameName) {
  test::ScriptedLookups dns("_dmarc.example.com TXT \"v=DMARC1; p=reject; aspf=s; adkim=s\"");
  auto verdict = check_dmarc(
      request("example.com.", "bounce.example.com.", "pass", "m.example.com.", "pass"), dns);
  EXPECT_EQ(verdict.result, DmarcResult::fail);
  EXPECT_FALSE(verdict.spf_aligned);
  EXPECT_EQ(verdict.dkim_aligned, std::vector<bool>{false});
  verdict = check_dmarc(request("example.com.", "example.com.", "pass"), dns);
  EXPECT_EQ(verdict.result, DmarcResult::pass);
}

TEST(Dmarc, ThePolicyIsThatOfTheNameOrOfWhatLiesAbove) {
  test::ScriptedLookups dns(
      "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=quarantine; np=none\"\n"
      "_dmarc.own.example.com TXT \"v=DMARC1; p=none\"\nmail.example.com A 192.0.2.1");
  const auto of = [&](const std::string& author) {
    const auto verdict = check_dmarc(request(author, "", ""), dns);
    return verdict.policy_tag + "=" + std::string(to_string(verdict.policy)) + " " +
           verdict.record_domain;
  };
  EXPECT_EQ(of("example.com."), "p=reject example.com.");
  EXPECT_EQ(of("mail.example.com."), "sp=quarantine example.com.");
  EXPECT_EQ(of("nobody.example.com."), "np=none example.com.") << "the name does not exist";
  EXPECT_EQ(of("own.example.com."), "p=none own.example.com.");
}

TEST(Dmarc, TestingIsOneLevelWeaker) {
  for (const auto& [policy, want] :
       {std::pair{"reject", DmarcPolicy::quarantine}, std::pair{"quarantine", DmarcPolicy::none}}) {
    test::ScriptedLookups dns("_dmarc.example.com TXT \"v=DMARC1; t=y; p=" + std::string(policy) +
                              "\"");
    EXPECT_EQ(check_dmarc(request("example.com.", "", ""), dns).disposition, want);
    EXPECT_NE(check_dmarc_7489(request("example.com.", "", ""), kSuffixes, dns).disposition, want)
        << "older receivers do not know t";
  }
}

// RFC 9989 §4.10: a name of more than seven labels is cut, so that there are eight questions.
TEST(Dmarc, TheWalkAsksAtMostEightTimes) {
  test::ScriptedLookups dns("");
  check_dmarc(request("a.b.c.d.e.f.g.h.i.j.mail.example.com.", "", ""), dns);
  EXPECT_EQ(dns.asked,
            (std::vector<std::string>{
                "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com. TXT",
                "_dmarc.g.h.i.j.mail.example.com. TXT", "_dmarc.h.i.j.mail.example.com. TXT",
                "_dmarc.i.j.mail.example.com. TXT", "_dmarc.j.mail.example.com. TXT",
                "_dmarc.mail.example.com. TXT", "_dmarc.example.com. TXT", "_dmarc.com. TXT"}));
  test::ScriptedLookups short_name("");
  check_dmarc(request("a.b.c.d.e.f.example.com.", "", ""), short_name);
  EXPECT_EQ(short_name.asked.size(), 8U) << "of eight labels none is left out";
}

TEST(Dmarc, TheWalkFindsTheOrganization) {
  const auto organization = [](const std::string& zone, const std::string& author) {
    test::ScriptedLookups dns(zone);
    return check_dmarc(request(author, "", ""), dns).organization;
  };
  const std::string two =
      "_dmarc.mail.example.com TXT \"v=DMARC1; p=none\"\n_dmarc.example.com TXT \"v=DMARC1; "
      "p=none\"";
  EXPECT_EQ(organization(two, "a.mail.example.com."), "example.com.") << "the shortest";
  EXPECT_EQ(organization("_dmarc.com TXT \"v=DMARC1; p=none; psd=y\"", "a.mail.example.com."),
            "example.com.")
      << "one label below a public suffix";
  EXPECT_EQ(organization("_dmarc.mail.example.com TXT \"v=DMARC1; p=none; psd=n\"\n"
                         "_dmarc.example.com TXT \"v=DMARC1; p=none\"",
                         "a.mail.example.com."),
            "mail.example.com.");
  EXPECT_EQ(organization("", "a.mail.example.com."), "a.mail.example.com.");
  EXPECT_EQ(organization("_dmarc.com TXT \"v=DMARC1; p=none; psd=y\"", "com."), "com.")
      << "psd=y where the walk began is no end";
}

TEST(Dmarc, APublicSuffixRulesWhoHasNoRecord) {
  test::ScriptedLookups dns(
      "_dmarc.bank TXT \"v=DMARC1; p=none; sp=reject; psd=y\"\n"
      "mail.example.bank A 192.0.2.1");
  const auto verdict = check_dmarc(request("mail.example.bank.", "", ""), dns);
  EXPECT_EQ(verdict.record_domain, "bank.");
  EXPECT_EQ(verdict.policy, DmarcPolicy::reject);
  EXPECT_EQ(verdict.organization, "example.bank.");
}

TEST(Dmarc, SeveralRecordsAreNone) {
  const std::string zone =
      "_dmarc.a.example.com TXT \"v=DMARC1; p=reject\"\n_dmarc.a.example.com TXT \"v=DMARC1; "
      "p=none\"\n_dmarc.example.com TXT \"v=DMARC1; p=quarantine\"\na.example.com A 192.0.2.1";
  test::ScriptedLookups dns(zone);
  const auto now = check_dmarc(request("a.example.com.", "", ""), dns);
  EXPECT_EQ(now.record_domain, "example.com.") << "RFC 9989 discards them and walks on";
  ASSERT_FALSE(now.problems.empty());
  EXPECT_NE(now.problems[0].find("several DMARC records"), std::string::npos);
  const auto before = check_dmarc_7489(request("a.example.com.", "", ""), kSuffixes, dns);
  EXPECT_EQ(before.result, DmarcResult::none) << "RFC 7489 ends there";
  EXPECT_EQ(dmarc_differences(now, before).size(), 4U);
}

TEST(Dmarc, OtherTextsAtTheNameAreNobodysRecord) {
  test::ScriptedLookups dns(
      "_dmarc.example.com TXT \"v=spf1 -all\"\n_dmarc.example.com TXT \"v=DMARC1; \" \"p=reject\"");
  EXPECT_EQ(check_dmarc(request("example.com.", "", ""), dns).policy, DmarcPolicy::reject);
}

TEST(Dmarc, ABrokenPolicyCountsOnlyWithAnAddressForReports) {
  test::ScriptedLookups with("_dmarc.example.com TXT \"v=DMARC1; p=x; rua=mailto:a@b.com\"");
  auto verdict = check_dmarc(request("example.com.", "", ""), with);
  EXPECT_EQ(verdict.result, DmarcResult::fail);
  EXPECT_EQ(verdict.policy, DmarcPolicy::none);
  test::ScriptedLookups without("_dmarc.example.com TXT \"v=DMARC1; p=x\"");
  EXPECT_EQ(check_dmarc(request("example.com.", "", ""), without).result, DmarcResult::none);
}

TEST(Dmarc, AFailedLookupIsNeverNoPolicy) {
  test::ScriptedLookups own("_dmarc.example.com FAIL");
  EXPECT_EQ(check_dmarc(request("example.com.", "", ""), own).result, DmarcResult::temperror);
  EXPECT_EQ(check_dmarc_7489(request("example.com.", "", ""), kSuffixes, own).result,
            DmarcResult::temperror);
  test::ScriptedLookups suffix("_dmarc.com FAIL\n_dmarc.example.com TXT \"v=DMARC1; p=reject\"");
  const auto told = check_dmarc(request("example.com.", "m.example.com.", "pass"), suffix);
  EXPECT_EQ(told.result, DmarcResult::pass) << "right below a public suffix nothing can change";
  EXPECT_TRUE(told.problems.empty());
  test::ScriptedLookups above("_dmarc.co.uk FAIL\n_dmarc.example.co.uk TXT \"v=DMARC1; p=reject\"");
  EXPECT_EQ(check_dmarc(request("example.co.uk.", "example.co.uk.", "pass"), above).result,
            DmarcResult::pass)
      << "its own record and its own name need no walk";
  EXPECT_EQ(check_dmarc(request("example.co.uk.", "m.example.co.uk.", "pass"), above).result,
            DmarcResult::temperror);
  EXPECT_EQ(
      check_dmarc(request("example.co.uk.", "m.example.co.uk.", "pass", "example.co.uk.", "pass"),
                  above)
          .result,
      DmarcResult::pass)
      << "one that passes is enough, whatever the other is";
  EXPECT_EQ(check_dmarc(request("example.co.uk.", "m.example.co.uk.", "fail"), above).result,
            DmarcResult::fail)
      << "aligned or not, it did not pass";
  test::ScriptedLookups gone(
      "_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\n"
      "a.example.com FAIL");
  EXPECT_EQ(check_dmarc(request("a.example.com.", "", ""), gone).result, DmarcResult::temperror);
}

TEST(Dmarc, ByRfc7489TheListSaysWhoIsAligned) {
  test::ScriptedLookups dns("_dmarc.me.github.io TXT \"v=DMARC1; p=reject; np=none\"");
  const auto ask = request("www.me.github.io.", "github.io.", "pass", "me.github.io.", "pass");
  const auto before = check_dmarc_7489(ask, kSuffixes, dns);
  EXPECT_EQ(before.result, DmarcResult::pass);
  EXPECT_EQ(before.organization, "me.github.io.");
  EXPECT_FALSE(before.spf_aligned);
  EXPECT_EQ(before.policy, DmarcPolicy::reject) << "np is not known there";
}

}  // namespace
}  // namespace mxferry::dns
