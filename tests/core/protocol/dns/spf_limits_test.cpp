// SPDX-License-Identifier: Apache-2.0
// The limits of RFC 7208 §4.6.4, each from both sides, what counts towards them, and the examples
// of its Appendix A.
#include <gtest/gtest.h>

#include "protocol/dns/spf_check.hpp"
#include "support/scripted_lookups.hpp"

namespace mxferry::dns {
namespace {

SpfVerdict check(test::ScriptedLookups& dns, const std::string& client,
                 const std::string& sender = "user@example.com") {
  SpfRequest request;
  request.client = parse_ip(client).value();
  request.helo = "mail.example.net";
  request.sender = sender;
  return check_spf(request, dns);
}

std::string repeated(int times, const std::string& text) {
  std::string out;
  for (int i = 0; i < times; ++i) {
    std::string one = text;
    for (auto at = one.find('#'); at != std::string::npos; at = one.find('#'))
      one.replace(at, 1, std::to_string(i));
    out += one;
  }
  return out;
}

TEST(SpfLimits, TenLookupsAreAllowedAndElevenAreNot) {
  for (const int terms : {10, 11}) {
    test::ScriptedLookups dns("example.com TXT \"v=spf1" + repeated(terms, " a:h#.test.net") +
                              " -all\"\n" + repeated(terms, "h#.test.net A 192.0.2.2\n"));
    const auto verdict = check(dns, "192.0.2.1");
    EXPECT_EQ(verdict.result, terms == 10 ? SpfResult::fail : SpfResult::permerror);
    EXPECT_EQ(verdict.lookups, terms);
  }
}

TEST(SpfLimits, OnlyTermsThatAreReachedCount) {
  test::ScriptedLookups dns("example.com TXT \"v=spf1 a ip4:192.0.2.1" +
                            repeated(20, " include:i#.test.net") +
                            " -all exp=e.test.net\"\nexample.com A 192.0.2.9");
  const auto verdict = check(dns, "192.0.2.1");
  EXPECT_EQ(verdict.result, SpfResult::pass);
  EXPECT_EQ(verdict.lookups, 1);
}

TEST(SpfLimits, IncludesAndRedirectsCountTogetherAndLoopsEnd) {
  test::ScriptedLookups nested(
      "example.com TXT \"v=spf1 include:i0.test.net redirect=r.test.net\"\n" +
      repeated(4, "i#.test.net TXT \"v=spf1 a:h.test.net -all\"\n") +
      "h.test.net A 192.0.2.9\nr.test.net TXT \"v=spf1 include:i1.test.net"
      " include:i2.test.net include:i3.test.net ?all\"");
  EXPECT_EQ(check(nested, "192.0.2.1").result, SpfResult::neutral);
  EXPECT_EQ(check(nested, "192.0.2.1").lookups, 9);
  test::ScriptedLookups loop("example.com TXT \"v=spf1 include:example.com -all\"");
  EXPECT_EQ(check(loop, "192.0.2.1").result, SpfResult::permerror);
  test::ScriptedLookups around("example.com TXT \"v=spf1 redirect=example.com\"");
  EXPECT_EQ(check(around, "192.0.2.1").result, SpfResult::permerror);
}

TEST(SpfLimits, TwoTermsMayFindNothing) {
  for (const int terms : {2, 3}) {
    test::ScriptedLookups dns("example.com TXT \"v=spf1" + repeated(terms, " a:h#.test.net") +
                              " -all\"");
    const auto verdict = check(dns, "192.0.2.1");
    EXPECT_EQ(verdict.result, terms == 2 ? SpfResult::fail : SpfResult::permerror);
    EXPECT_EQ(verdict.voids, terms);
  }
}

// §4.6.4 limits the terms: an mx whose hosts have no address of the client's family is one of them.
TEST(SpfLimits, AnMxOfHostsWithoutAnAddressIsOneVoidTerm) {
  test::ScriptedLookups dns(
      "example.com TXT \"v=spf1 mx a:h.test.net -all\"\n" +
      repeated(5, "example.com MX 10 m#.test.net.\nm#.test.net A 192.0.2.1\n") +
      "h.test.net AAAA 2001:db8::1");
  const auto verdict = check(dns, "2001:db8::1");
  EXPECT_EQ(verdict.result, SpfResult::pass);
  EXPECT_EQ(verdict.voids, 1);
}

TEST(SpfLimits, TenMxHostsAreAllowedAndElevenAreNot) {
  for (const int hosts : {10, 11}) {
    test::ScriptedLookups dns(
        "example.com TXT \"v=spf1 mx -all\"\n" +
        repeated(hosts, "example.com MX 10 m#.test.net.\nm#.test.net A 192.0.2.#\n"));
    EXPECT_EQ(check(dns, "192.0.2.9").result, hosts == 10 ? SpfResult::pass : SpfResult::permerror);
  }
}

TEST(SpfLimits, NamesOfAnAddressBehindTheTenthAreIgnored) {
  const std::string zone = "example.com TXT \"v=spf1 ptr -all\"\nok.example.com A 192.0.2.1\n";
  const std::string other =
      repeated(9, "1.2.0.192.in-addr.arpa PTR o#.test.net.\no#.test.net A 192.0.2.1\n");
  const std::string more = "1.2.0.192.in-addr.arpa PTR p.test.net.\np.test.net A 192.0.2.1\n";
  const std::string good = "1.2.0.192.in-addr.arpa PTR ok.example.com.\n";
  test::ScriptedLookups tenth(zone + other + good);
  EXPECT_EQ(check(tenth, "192.0.2.1").result, SpfResult::pass);
  test::ScriptedLookups eleventh(zone + other + more + good);
  EXPECT_EQ(check(eleventh, "192.0.2.1").result, SpfResult::fail);
}

// §4.6.4: the PTR question of %{p} counts as ptr does; asked once, it counts once.
TEST(SpfLimits, TheNameMacroCostsALookup) {
  test::ScriptedLookups dns(
      "example.com TXT \"v=spf1 exists:%{p}.a.test exists:%{p}.b.test -all\"\n"
      "h.example.com.b.test A 127.0.0.2\n"
      "1.2.0.192.in-addr.arpa PTR h.example.com.\nh.example.com A 192.0.2.1");
  const auto verdict = check(dns, "192.0.2.1");
  EXPECT_EQ(verdict.result, SpfResult::pass) << verdict.problem;
  EXPECT_EQ(verdict.lookups, 3);
}

TEST(SpfLimits, TheNameMacroPrefersTheDomainThenNamesBelowIt) {
  const std::string zone =
      "example.com TXT \"v=spf1 exists:%{p}.ok.test -all\"\n"
      "1.2.0.192.in-addr.arpa PTR o.test.net.\no.test.net A 192.0.2.1\n";
  const std::string below =
      "1.2.0.192.in-addr.arpa PTR h.example.com.\nh.example.com A 192.0.2.1\n";
  const std::string self = "1.2.0.192.in-addr.arpa PTR example.com.\nexample.com A 192.0.2.1\n";
  test::ScriptedLookups any(zone + "o.test.net.ok.test A 127.0.0.2");
  EXPECT_EQ(check(any, "192.0.2.1").result, SpfResult::pass);
  test::ScriptedLookups sub(zone + below + "h.example.com.ok.test A 127.0.0.2");
  EXPECT_EQ(check(sub, "192.0.2.1").result, SpfResult::pass);
  test::ScriptedLookups own(zone + below + self + "example.com.ok.test A 127.0.0.2");
  EXPECT_EQ(check(own, "192.0.2.1").result, SpfResult::pass);
  test::ScriptedLookups nobody(
      "example.com TXT \"v=spf1 exists:%{p}.ok.test -all\"\nunknown.ok.test A 127.0.0.2");
  EXPECT_EQ(check(nobody, "192.0.2.1").result, SpfResult::pass);
}

TEST(SpfLimits, SendersLongerThanAnAddressAreNotExpanded) {
  test::ScriptedLookups dns("example.com TXT \"v=spf1 exists:%{l}.test.net -all\"");
  EXPECT_EQ(check(dns, "192.0.2.1", std::string(2000, 'x') + "@example.com").result,
            SpfResult::none);
  EXPECT_TRUE(dns.asked.empty());
}

// RFC 7208 Appendix A: the zone of all its examples.
const char* const kAppendixA = R"(
example.com MX 10 mail-a.example.com.
example.com MX 20 mail-b.example.com.
example.com A 192.0.2.10
example.com A 192.0.2.11
amy.example.com A 192.0.2.65
bob.example.com A 192.0.2.66
mail-a.example.com A 192.0.2.129
mail-b.example.com A 192.0.2.130
example.org MX 10 mail-c.example.org.
mail-c.example.org A 192.0.2.140
10.2.0.192.in-addr.arpa PTR example.com.
11.2.0.192.in-addr.arpa PTR example.com.
65.2.0.192.in-addr.arpa PTR amy.example.com.
66.2.0.192.in-addr.arpa PTR bob.example.com.
129.2.0.192.in-addr.arpa PTR mail-a.example.com.
130.2.0.192.in-addr.arpa PTR mail-b.example.com.
140.2.0.192.in-addr.arpa PTR mail-c.example.org.
4.0.0.10.in-addr.arpa PTR bob.example.com.
)";

// Which of the example's hosts pass, by their last octet.
std::string passing(const std::string& more) {
  std::string out;
  for (const char* host : {"10", "11", "65", "66", "129", "130", "131", "140", "142"}) {
    test::ScriptedLookups dns(kAppendixA + more);
    const auto verdict = check(dns, std::string("192.0.2.") + host);
    if (verdict.result == SpfResult::pass) out += std::string(out.empty() ? "" : " ") + host;
    if (verdict.result != SpfResult::pass) {
      EXPECT_EQ(verdict.result, SpfResult::fail) << more << " " << host;
    }
  }
  return out;
}

TEST(SpfAppendixA, SimpleExamples) {
  const auto record = [](const std::string& text) {
    return passing("example.com TXT \"" + text + "\"");
  };
  EXPECT_EQ(record("v=spf1 +all"), "10 11 65 66 129 130 131 140 142");
  EXPECT_EQ(record("v=spf1 a -all"), "10 11");
  EXPECT_EQ(record("v=spf1 a:example.org -all"), "");
  EXPECT_EQ(record("v=spf1 mx -all"), "129 130");
  EXPECT_EQ(record("v=spf1 mx:example.org -all"), "140");
  EXPECT_EQ(record("v=spf1 mx mx:example.org -all"), "129 130 140");
  EXPECT_EQ(record("v=spf1 mx/30 mx:example.org/30 -all"), "129 130 131 140 142");
  EXPECT_EQ(record("v=spf1 ptr -all"), "10 11 65 66 129 130");
  EXPECT_EQ(record("v=spf1 ip4:192.0.2.128/28 -all"), "129 130 131 140 142");
  test::ScriptedLookups dns(kAppendixA + std::string("example.com TXT \"v=spf1 ptr -all\""));
  EXPECT_EQ(check(dns, "10.0.0.4").result, SpfResult::fail) << "its name is not proven";
}

TEST(SpfAppendixA, MultipleDomains) {
  const std::string zone =
      std::string(kAppendixA) +
      "example.org TXT \"v=spf1 include:example.com include:example.net -all\"\n"
      "la.example.org TXT \"v=spf1 redirect=example.org\"\n"
      "example.com TXT \"v=spf1 mx -all\"\n"
      "example.net TXT \"v=spf1 ip4:198.51.100.0/24 -all\"\n";
  test::ScriptedLookups dns(zone);
  EXPECT_EQ(check(dns, "192.0.2.129", "u@la.example.org").result, SpfResult::pass);
  EXPECT_EQ(check(dns, "198.51.100.7", "u@la.example.org").result, SpfResult::pass);
  EXPECT_EQ(check(dns, "192.0.2.140", "u@la.example.org").result, SpfResult::fail);
}

TEST(SpfAppendixA, BlocklistStyle) {
  test::ScriptedLookups dns(
      std::string(kAppendixA) +
      "example.com TXT \"v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} "
      "-all\"\n"
      "mobile-users._spf.example.com TXT \"v=spf1 exists:%{l1r+}.%{d}\"\n"
      "remote-users._spf.example.com TXT \"v=spf1 exists:%{ir}.%{l1r+}.%{d}\"\n"
      "mary.mobile-users._spf.example.com A 127.0.0.2\n"
      "fred.mobile-users._spf.example.com A 127.0.0.2\n"
      "15.15.168.192.joel.remote-users._spf.example.com A 127.0.0.2\n");
  EXPECT_EQ(check(dns, "192.0.2.1", "mary@example.com").result, SpfResult::pass);
  EXPECT_EQ(check(dns, "192.0.2.1", "fred+list@example.com").result, SpfResult::pass);
  EXPECT_EQ(check(dns, "192.168.15.15", "joel@example.com").result, SpfResult::pass);
  EXPECT_EQ(check(dns, "192.0.2.1", "joel@example.com").result, SpfResult::fail);
}

TEST(SpfAppendixA, MultipleRequirements) {
  test::ScriptedLookups dns(
      std::string(kAppendixA) +
      "example.com TXT \"v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all\"\n"
      "ip4._spf.example.com TXT \"v=spf1 -ip4:192.0.2.0/24 +all\"\n"
      "ptr._spf.example.com TXT \"v=spf1 -ptr:example.com +all\"\n");
  EXPECT_EQ(check(dns, "192.0.2.65").result, SpfResult::pass);
  EXPECT_EQ(check(dns, "192.0.2.140").result, SpfResult::fail) << "its name is another's";
  EXPECT_EQ(check(dns, "10.0.0.4").result, SpfResult::fail) << "its address is another's";
}

}  // namespace
}  // namespace mxferry::dns
