// SPDX-License-Identifier: Apache-2.0
// check_host() by the text of RFC 7208, section by section: each case is a zone, a client and what
// must come out.
#include "protocol/dns/spf_check.hpp"

#include <gtest/gtest.h>

#include <ostream>

#include "support/scripted_lookups.hpp"

namespace mxferry::dns {
namespace {

SpfVerdict check(test::ScriptedLookups& dns, const std::string& client, const std::string& sender,
                 const std::string& helo = "mail.example.net") {
  SpfRequest request;
  request.client = parse_ip(client).value();
  request.helo = helo;
  request.sender = sender;
  request.receiver = "receiver.example";
  request.now = 1700000000;
  auto verdict = check_spf(request, dns);
  for (const auto& question : dns.asked)
    EXPECT_FALSE(question.ends_with(" SPF")) << "type 99 is never asked (RFC 7208 §3.1)";
  return verdict;
}

struct Case {
  const char* what;
  const char* zone;
  const char* client;
  const char* want;  // the result; of a fail with an explanation "fail: TEXT"
  const char* sender = "user@example.com";
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.what; }

class SpfCheck : public testing::TestWithParam<Case> {};

TEST_P(SpfCheck, GivesWhatTheRfcSays) {
  const auto& c = GetParam();
  test::ScriptedLookups dns(c.zone);
  const auto verdict = check(dns, c.client, c.sender);
  std::string got(to_string(verdict.result));
  if (!verdict.explanation.empty()) got += ": " + verdict.explanation;
  EXPECT_EQ(got, c.want) << c.what << "; problem: " << verdict.problem;
}

const Case kInitial[] = {
    // §4.3, §4.4, §4.5
    {"NoSuchDomain", "example.net A 192.0.2.1", "192.0.2.1", "none"},
    {"NoTxt", "example.com A 192.0.2.1", "192.0.2.1", "none"},
    {"NoSpfAmongTxt", "example.com TXT \"v=spf10 -all\"\nexample.com TXT \"other\"", "192.0.2.1",
     "none"},
    {"AnyCase", "example.com TXT \"V=SpF1 -ALL\"", "192.0.2.1", "fail"},
    {"Nothing", "example.com TXT \"v=spf1\"", "192.0.2.1", "neutral"},
    {"TrailingBlanks", "example.com TXT \"v=spf1  -all  \"", "192.0.2.1", "fail"},
    {"TwoRecords", "example.com TXT \"v=spf1 +all\"\nexample.com TXT \"v=spf1\"", "192.0.2.1",
     "permerror"},
    {"StringsJoinWithoutBlank", "example.com TXT \"v=spf1 ip4:192.0\" \".2.1 -all\"", "192.0.2.1",
     "pass"},
    {"VersionOverTwoStrings", "example.com TXT \"v=sp\" \"f1 -all\"", "192.0.2.1", "fail"},
    {"OtherTxtMayHoldAnything", "example.com TXT \"\\195\\164\"\nexample.com TXT \"v=spf1 -all\"",
     "192.0.2.1", "fail"},
    {"NonAsciiRecord", "example.com TXT \"v=spf1 a:\\195\\164.com -all\"", "192.0.2.1",
     "permerror"},
    {"LookupFails", "example.com FAIL", "192.0.2.1", "temperror"},
    {"SyntaxBeforeAnyMatch", "example.com TXT \"v=spf1 ip4:192.0.2.1 foo\"", "192.0.2.1",
     "permerror"},
    {"OneLabel", "com TXT \"v=spf1 -all\"", "192.0.2.1", "none", "user@com"},
    {"EmptyLabel", "", "192.0.2.1", "none", "user@a..example.com"},
    {"LabelTooLong", "", "192.0.2.1", "none",
     "user@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com"},
    {"AddressLiteral", "", "192.0.2.1", "none", "user@[192.0.2.1]"},
    {"NoLocalPart",
     "example.com TXT \"v=spf1 exists:%{l}.ok.test -all\"\n"
     "postmaster.ok.test A 127.0.0.2",
     "192.0.2.1", "pass", "@example.com"},
    {"QuotedLocalPart", "example.com TXT \"v=spf1 -all\"", "192.0.2.1", "fail",
     "\"a@b\"@example.com"},
    {"BounceIsPostmasterAtHelo",
     "mail.example.net TXT \"v=spf1 exists:%{s}.ok.test -all\"\n"
     "postmaster@mail.example.net.ok.test A 127.0.0.2",
     "192.0.2.1", "pass", "<>"},
    {"FinalDotOfTheSender", "example.com TXT \"v=spf1 -all\"", "192.0.2.1", "fail",
     "user@example.com."},
};

const Case kMechanisms[] = {
    // §5
    {"FirstMatchDecides", "example.com TXT \"v=spf1 ?ip4:192.0.2.0/24 -ip4:192.0.2.1 +all\"",
     "192.0.2.1", "neutral"},
    {"NoMatchIsNeutral", "example.com TXT \"v=spf1 -ip4:192.0.2.2\"", "192.0.2.1", "neutral"},
    {"SoftFail", "example.com TXT \"v=spf1 ~all\"", "192.0.2.1", "softfail"},
    {"Ip6", "example.com TXT \"v=spf1 ip6:2001:db8::/32 -all\"", "2001:db8:1::1", "pass"},
    {"Ip4IsNoIp6", "example.com TXT \"v=spf1 ip6:::/0 -all\"", "192.0.2.1", "fail"},
    {"Ip6IsNoIp4", "example.com TXT \"v=spf1 ip4:0.0.0.0/0 -all\"", "2001:db8::1", "fail"},
    {"MappedClientIsIp4", "example.com TXT \"v=spf1 ip4:192.0.2.1 -all\"", "::ffff:192.0.2.1",
     "pass"},
    {"MappedNetworkIsNoIp4", "example.com TXT \"v=spf1 ip6:::ffff:192.0.2.1 -all\"", "192.0.2.1",
     "fail"},
    {"A", "example.com TXT \"v=spf1 a -all\"\nexample.com A 192.0.2.1", "192.0.2.1", "pass"},
    {"ADual4", "example.com TXT \"v=spf1 a/24//64 -all\"\nexample.com A 192.0.2.9", "192.0.2.1",
     "pass"},
    {"ADual6", "example.com TXT \"v=spf1 a/24//64 -all\"\nexample.com AAAA 2001:db8::9",
     "2001:db8::77", "pass"},
    {"AOnlyOwnFamily", "example.com TXT \"v=spf1 a//0 -all\"\nexample.com A 192.0.2.9",
     "2001:db8::1", "fail"},
    {"AByAlias",
     "example.com TXT \"v=spf1 a:w.example.com -all\"\n"
     "w.example.com CNAME h.example.net.\nh.example.net A 192.0.2.1",
     "192.0.2.1", "pass"},
    {"AFails", "example.com TXT \"v=spf1 a:bad.example.com +all\"\nbad.example.com FAIL",
     "192.0.2.1", "temperror"},
    {"AOfImpossibleName", "example.com TXT \"v=spf1 a:x..example.com -all\"", "192.0.2.1", "fail"},
    {"Mx",
     "example.com TXT \"v=spf1 mx -all\"\nexample.com MX 10 m.example.com.\n"
     "m.example.com A 192.0.2.1",
     "192.0.2.1", "pass"},
    {"MxHasNoImplicitHost", "example.com TXT \"v=spf1 mx -all\"\nexample.com A 192.0.2.1",
     "192.0.2.1", "fail"},
    {"NullMx", "example.com TXT \"v=spf1 mx -all\"\nexample.com MX 0 .", "192.0.2.1", "fail"},
    {"MxHostFails",
     "example.com TXT \"v=spf1 mx -all\"\nexample.com MX 10 m.example.com.\n"
     "m.example.com FAIL",
     "192.0.2.1", "temperror"},
    {"Exists", "example.com TXT \"v=spf1 exists:%{i}.ok.test -all\"\n192.0.2.1.ok.test A 127.0.0.2",
     "192.0.2.1", "pass"},
    {"ExistsAsksAOfIp6",
     "example.com TXT \"v=spf1 exists:ok.test.net -all\"\n"
     "ok.test.net AAAA ::1",
     "2001:db8::1", "fail"},
    {"ExistsFails", "example.com TXT \"v=spf1 exists:bad.test.net -all\"\nbad.test.net FAIL",
     "192.0.2.1", "temperror"},
    {"Ptr",
     "example.com TXT \"v=spf1 ptr -all\"\n1.2.0.192.in-addr.arpa PTR h.EXAMPLE.com.\n"
     "h.example.com A 192.0.2.1",
     "192.0.2.1", "pass"},
    {"PtrUnproven",
     "example.com TXT \"v=spf1 ptr -all\"\n1.2.0.192.in-addr.arpa PTR h.example.com.\n"
     "h.example.com A 192.0.2.2",
     "192.0.2.1", "fail"},
    {"PtrBySuffixOfTextIsNone",
     "example.com TXT \"v=spf1 ptr -all\"\n"
     "1.2.0.192.in-addr.arpa PTR badexample.com.\nbadexample.com A 192.0.2.1",
     "192.0.2.1", "fail"},
    {"PtrLookupFails", "example.com TXT \"v=spf1 ptr -all\"\n1.2.0.192.in-addr.arpa FAIL",
     "192.0.2.1", "fail"},
    {"PtrSkipsNamesThatFail",
     "example.com TXT \"v=spf1 ptr -all\"\n"
     "1.2.0.192.in-addr.arpa PTR bad.example.com.\n"
     "1.2.0.192.in-addr.arpa PTR h.example.com.\nbad.example.com FAIL\n"
     "h.example.com A 192.0.2.1",
     "192.0.2.1", "pass"},
};

const Case kIncludes[] = {
    // §5.2, its table
    {"Pass", "example.com TXT \"v=spf1 include:i.test.net -all\"\ni.test.net TXT \"v=spf1 +all\"",
     "192.0.2.1", "pass"},
    {"Fail", "example.com TXT \"v=spf1 include:i.test.net ~all\"\ni.test.net TXT \"v=spf1 -all\"",
     "192.0.2.1", "softfail"},
    {"SoftFail",
     "example.com TXT \"v=spf1 include:i.test.net -all\"\n"
     "i.test.net TXT \"v=spf1 ~all\"",
     "192.0.2.1", "fail"},
    {"Neutral", "example.com TXT \"v=spf1 include:i.test.net -all\"\ni.test.net TXT \"v=spf1\"",
     "192.0.2.1", "fail"},
    {"TempError", "example.com TXT \"v=spf1 include:i.test.net +all\"\ni.test.net FAIL",
     "192.0.2.1", "temperror"},
    {"PermError",
     "example.com TXT \"v=spf1 include:i.test.net +all\"\n"
     "i.test.net TXT \"v=spf1 foo\"",
     "192.0.2.1", "permerror"},
    {"NoRecord", "example.com TXT \"v=spf1 include:i.test.net +all\"\ni.test.net TXT \"x\"",
     "192.0.2.1", "permerror"},
    {"NoName", "example.com TXT \"v=spf1 include:i.test.net +all\"", "192.0.2.1", "permerror"},
    {"ItsQualifierIsTheOuterOnes",
     "example.com TXT \"v=spf1 ?include:i.test.net -all\"\n"
     "i.test.net TXT \"v=spf1 +all\"",
     "192.0.2.1", "neutral"},
    {"DomainIsTheIncludedOne",
     "example.com TXT \"v=spf1 include:i.test.net -all\"\n"
     "i.test.net TXT \"v=spf1 a\"\ni.test.net A 192.0.2.1",
     "192.0.2.1", "pass"},
    {"AndTheOuterOneAgainBehindIt",
     "example.com TXT \"v=spf1 include:i.test.net a -all\"\n"
     "i.test.net TXT \"v=spf1\"\nexample.com A 192.0.2.1",
     "192.0.2.1", "pass"},
};

const Case kModifiers[] = {
    // §6
    {"Redirect", "example.com TXT \"v=spf1 redirect=r.test.net\"\nr.test.net TXT \"v=spf1 -all\"",
     "192.0.2.1", "fail"},
    {"RedirectOnlyWithoutMatch",
     "example.com TXT \"v=spf1 redirect=r.test.net ip4:192.0.2.1\"\n"
     "r.test.net TXT \"v=spf1 -all\"",
     "192.0.2.1", "pass"},
    {"RedirectAfterAllIsIgnored", "example.com TXT \"v=spf1 ?all redirect=r.test.net\"",
     "192.0.2.1", "neutral"},
    {"RedirectToNoRecord", "example.com TXT \"v=spf1 redirect=r.test.net\"\nr.test.net A 192.0.2.1",
     "192.0.2.1", "permerror"},
    {"RedirectToNoName", "example.com TXT \"v=spf1 redirect=r.test.net\"", "192.0.2.1",
     "permerror"},
    {"RedirectFails", "example.com TXT \"v=spf1 redirect=r.test.net\"\nr.test.net FAIL",
     "192.0.2.1", "temperror"},
    {"RedirectWithMacro",
     "example.com TXT \"v=spf1 redirect=_x.%{d}\"\n"
     "_x.example.com TXT \"v=spf1 +all\"",
     "192.0.2.1", "pass"},
    {"RedirectWithFinalDot",
     "example.com TXT \"v=spf1 redirect=r.test.net.\"\n"
     "r.test.net TXT \"v=spf1 +all\"",
     "192.0.2.1", "pass"},
    {"UnknownModifier", "example.com TXT \"v=spf1 default=pass x=%{d} -all\"", "192.0.2.1", "fail"},
    {"Explanation",
     "example.com TXT \"v=spf1 -all exp=why.%{d}\"\n"
     "why.example.com TXT \"%{i} is not one of %{d}'s \" \"hosts (%{c} %{r} %{t})%%\"",
     "192.0.2.1",
     "fail: 192.0.2.1 is not one of example.com's hosts (192.0.2.1 receiver.example 1700000000)%"},
    {"ExplanationOnlyOfAFail",
     "example.com TXT \"v=spf1 ~all exp=why.example.com\"\n"
     "why.example.com TXT \"why\"",
     "192.0.2.1", "softfail"},
    {"ExplanationThatFails", "example.com TXT \"v=spf1 -all exp=why.test.net\"\nwhy.test.net FAIL",
     "192.0.2.1", "fail"},
    {"ExplanationThatIsNotThere", "example.com TXT \"v=spf1 -all exp=why.test.net\"", "192.0.2.1",
     "fail"},
    {"TwoExplanations",
     "example.com TXT \"v=spf1 -all exp=why.test.net\"\n"
     "why.test.net TXT \"one\"\nwhy.test.net TXT \"two\"",
     "192.0.2.1", "fail"},
    {"ExplanationWithBrokenMacro",
     "example.com TXT \"v=spf1 -all exp=why.test.net\"\n"
     "why.test.net TXT \"%{x}\"",
     "192.0.2.1", "fail"},
    {"ExplanationNotAscii",
     "example.com TXT \"v=spf1 -all exp=why.test.net\"\n"
     "why.test.net TXT \"\\195\\164\"",
     "192.0.2.1", "fail"},
    {"ExplanationOfTheRedirectsTarget",
     "example.com TXT \"v=spf1 redirect=r.test.net exp=mine.test.net\"\n"
     "r.test.net TXT \"v=spf1 -all exp=its.test.net\"\nmine.test.net TXT \"mine\"\n"
     "its.test.net TXT \"its, %{d}\"",
     "192.0.2.1", "fail: its, r.test.net"},
    {"ExplanationNeverOfAnInclude",
     "example.com TXT \"v=spf1 -include:i.test.net exp=mine.test.net\"\n"
     "i.test.net TXT \"v=spf1 +all exp=its.test.net\"\nmine.test.net TXT \"mine, %{d}\"\n"
     "its.test.net TXT \"its\"",
     "192.0.2.1", "fail: mine, example.com"},
    {"ExplanationAsksForTheName",
     "example.com TXT \"v=spf1 -all exp=why.test.net\"\n"
     "why.test.net TXT \"%{p}\"\n1.2.0.192.in-addr.arpa PTR h.example.com.\n"
     "h.example.com A 192.0.2.1",
     "192.0.2.1", "fail: h.example.com"},
};

std::string name_of_case(const testing::TestParamInfo<Case>& info) { return info.param.what; }
INSTANTIATE_TEST_SUITE_P(Initial, SpfCheck, testing::ValuesIn(kInitial), name_of_case);
INSTANTIATE_TEST_SUITE_P(Mechanism, SpfCheck, testing::ValuesIn(kMechanisms), name_of_case);
INSTANTIATE_TEST_SUITE_P(Include, SpfCheck, testing::ValuesIn(kIncludes), name_of_case);
INSTANTIATE_TEST_SUITE_P(Modifier, SpfCheck, testing::ValuesIn(kModifiers), name_of_case);

}  // namespace
}  // namespace mxferry::dns
