// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/spf_macro.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace mxferry::dns {
namespace {

SpfMacroValues values(const std::string& client = "192.0.2.3") {
  SpfMacroValues out;
  out.local = "strong-bad";
  out.origin = out.domain = "email.example.com";
  out.helo = "mx.example.org";
  out.receiver = "mail.example.net";
  out.client = parse_ip(client).value();
  out.now = 1700000000;
  out.validated = [] { return std::string("mail.example.com"); };
  return out;
}

std::string expanded(const std::string& text, const SpfMacroValues& with,
                     SpfText kind = SpfText::explanation) {
  const auto pieces = parse_macro_string(text, kind);
  return pieces ? expand_macros(*pieces, with, 4096) : "(malformed)";
}

// RFC 7208 §7.4, all of it.
TEST(SpfMacro, ExpandsTheExamplesOfTheRfc) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(expanded(text, values()), want) << text;
  EXPECT_EQ(expanded("%{ir}.%{v}._spf.%{d2}", values("2001:db8::cb01")),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
}

TEST(SpfMacro, KnowsEveryLetterAndEscape) {
  EXPECT_EQ(expanded("%{h} %{p} %{c} %{r} %{t}", values()),
            "mx.example.org mail.example.com 192.0.2.3 mail.example.net 1700000000");
  EXPECT_EQ(expanded("%{c}", values("2001:DB8:0::CB01")), "2001:db8::cb01");
  EXPECT_EQ(expanded("a%%b%_c%-d", values()), "a%b c%20d");
  auto odd = values();
  odd.local = "~jack&jill=up-a_b3.c";
  EXPECT_EQ(expanded("%{L}", odd), "~jack%26jill%3Dup-a_b3.c");
  EXPECT_EQ(expanded("%{S}", values()), "strong-bad%40email.example.com");
  EXPECT_EQ(expanded("%{l-+=}", odd), "~jack&jill.up.a_b3.c")
      << "'.' splits only where it is named";
  EXPECT_EQ(expanded("%{d128}", values()), "email.example.com");
  EXPECT_EQ(expanded("%{d99999999999999999999}", values()), "email.example.com");
  EXPECT_EQ(expanded("%{D1R}", values()), "email") << "letters count in any case";
  EXPECT_EQ(expanded("%{i}", values("::ffff:192.0.2.3")), "192.0.2.3");
}

TEST(SpfMacro, RefusesBrokenSyntax) {
  for (const char* text : {"%", "%a", "%{", "%{}", "%{d", "%{x}", "%{d0}", "%{d00r}", "%{dr2}",
                           "%{d*}", "%{1d}", "%(d)", "a b", "a\x01", "a\x7f", "\xc3\xa4"})
    EXPECT_FALSE(parse_macro_string(text, SpfText::domain)) << text;
  for (const char* text : {"%{c}", "%{r}", "%{t}", "%{C}"}) {
    EXPECT_FALSE(parse_macro_string(text, SpfText::domain)) << text;
    EXPECT_TRUE(parse_macro_string(text, SpfText::explanation)) << text;
  }
  EXPECT_FALSE(parse_macro_string("tab\there", SpfText::explanation));
}

TEST(SpfMacro, ADomainSpecEndsWithALabelOrAMacro) {
  for (const char* text :
       {"example.com", "example.com.", "_spf.example.com", "%{d}", "a.%{d2}", "%{i}.example.com",
        "foo:bar/baz.example.com", "a.xn--zckzah", "%{d}.com", "x.c0m", "a%%", "foo..example.com"})
    EXPECT_TRUE(is_domain_spec(text)) << text;
  for (const char* text :
       {"", "museum", "museum.", "111.222.33.44", "abc.123", "example.-com", "example.com-",
        "a.com/24", "a.com:25", "%{d}com", "a.co_m", "a.", "a..", "%{d}.", "%{d}.1"})
    EXPECT_FALSE(is_domain_spec(text)) << text;
}

TEST(SpfMacro, ALongNameLosesLabelsOnItsLeft) {
  auto with = values();
  with.local = "";
  for (int i = 0; i < 30; ++i) with.local += "label" + std::to_string(10 + i) + ".";
  const auto name = target_name("%{l}x.%{d}", with);
  EXPECT_LE(name.size(), 253U);
  EXPECT_GT(name.size(), 253U - 8U) << "no more labels than needed";
  EXPECT_TRUE(name.starts_with("label")) << name;
  EXPECT_TRUE(name.ends_with(".x.email.example.com")) << name;
  EXPECT_EQ(target_name("example.com.", with), "example.com");
  EXPECT_EQ(target_name("%{", with), "");
}

}  // namespace
}  // namespace mxferry::dns
