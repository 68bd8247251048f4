// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/spf.hpp"

#include <gtest/gtest.h>

namespace mxferry::dns {
namespace {

// RFC 7208 §4.6.1, §12: what a record may look like, written again as we would write it.
TEST(SpfRecord, ReadsWhatTheGrammarAllows) {
  for (const char* text :
       {"v=spf1", "v=spf1 -all", "v=spf1 mx a ~all", "v=spf1 a/24 a//64 a/24//64 ?all",
        "v=spf1 a:mail.example.com/24//64 mx:example.org/30 -all", "v=spf1 ptr ptr:example.com",
        "v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.1 ip6:2001:db8::/32 ip6:::1 -all",
        "v=spf1 ip6:::ffff:192.0.2.0/120 all", "v=spf1 include:_spf.example.com -exists:%{i}.x.org",
        "v=spf1 redirect=_spf.example.com", "v=spf1 mx redirect=_spf.%{d} exp=why.%{d}",
        "v=spf1 a:foo:bar/baz.example.com -all", "v=spf1 a:%{d2}/0//0",
        "v=spf1 x-y.z_1=", "v=spf1 -all moo=%{d}%%"}) {
    const auto record = parse_spf(text);
    ASSERT_TRUE(record) << text << ": " << record.error().message();
    EXPECT_EQ(format_spf(*record), text);
  }
  EXPECT_EQ(format_spf(parse_spf("V=sPf1   +MX  A:Example.com   -ALL  ").value()),
            "v=spf1 mx a:Example.com -all");
  EXPECT_EQ(format_spf(parse_spf("v=spf1 -all mx redirect=a.example").value()), "v=spf1 -all")
      << "nothing behind all counts";
}

// §4.6: "if there are any syntax errors anywhere in the record, permerror".
TEST(SpfRecord, RefusesWhatTheGrammarDoesNot) {
  for (const char* text : {"v=spf1 foo",
                           "v=spf1 -all foo",
                           "v=spf1 foo:bar.com",
                           "v=spf1 all.",
                           "v=spf1 all:x.com",
                           "v=spf1 all/8",
                           "v=spf1 -all all:",
                           "v=spf1 include",
                           "v=spf1 include:",
                           "v=spf1 include:a.com/24",
                           "v=spf1 include/24",
                           "v=spf1 exists",
                           "v=spf1 exists:",
                           "v=spf1 exists:a.com/24",
                           "v=spf1 a:",
                           "v=spf1 a:/24",
                           "v=spf1 mx:",
                           "v=spf1 a/",
                           "v=spf1 a//",
                           "v=spf1 a/33",
                           "v=spf1 a/024",
                           "v=spf1 a//129",
                           "v=spf1 a/24/64",
                           "v=spf1 a//64/24",
                           "v=spf1 a/-1",
                           "v=spf1 a:museum",
                           "v=spf1 a:111.222.33.44",
                           "v=spf1 a:example.com:8080",
                           "v=spf1 a:b.com/x",
                           "v=spf1 a:b.com/24/",
                           "v=spf1 ptr/0",
                           "v=spf1 ptr:",
                           "v=spf1 ptr:a.com/24",
                           "v=spf1 ip4",
                           "v=spf1 ip4:",
                           "v=spf1 ip4/24",
                           "v=spf1 ip4:1.2.3",
                           "v=spf1 ip4:1.2.3.4/33",
                           "v=spf1 ip4:1.2.3.4/032",
                           "v=spf1 ip4:1.2.3.4/",
                           "v=spf1 ip4:1.2.3.4//32",
                           "v=spf1 ip4:1.2.3.04",
                           "v=spf1 ip4:1.2.3.4:8080",
                           "v=spf1 ip4:::1",
                           "v=spf1 ip6:1.2.3.4",
                           "v=spf1 ip6::cafe:1:",
                           "v=spf1 ip6:::1/129",
                           "v=spf1 ip6:::1//64",
                           "v=spf1 ip6",
                           "v=spf1 redirect",
                           "v=spf1 redirect=",
                           "v=spf1 redirect:a.com",
                           "v=spf1 redirect=a.com redirect=a.com",
                           "v=spf1 redirect=a.com/24",
                           "v=spf1 exp=",
                           "v=spf1 exp=a.com -all exp=a.com",
                           "v=spf1 +redirect=a.com",
                           "v=spf1 =x",
                           "v=spf1 1x=y",
                           "v=spf1 -",
                           "v=spf1 +-all",
                           "v=spf1 -all\tmx",
                           "v=spf1 a:a\x01.com",
                           "v=spf1 a:\xc3\xa4.com",
                           "v=spf1 exists:%{t}.a.com",
                           "v=spf1 exists:%(ir).a.com",
                           "v=spf1 x=%",
                           "v=spf1 -all x=\xc3\xa4",
                           "v=spf1 a:%{a}",
                           "v=spf1 moo.cow:far_out=man"}) {
    EXPECT_FALSE(parse_spf(text)) << text;
  }
}

// §4.5
TEST(SpfRecord, BeginsWithItsVersionAlone) {
  for (const char* text : {"v=spf1", "V=SPF1", "v=spf1 mx"}) EXPECT_TRUE(is_spf(text)) << text;
  for (const char* text :
       {"", "v=spf", "v=spf10", "v=spf1\tmx", "v=spf1-all", " v=spf1", "spf2.0/pra", "\"v=spf1\""})
    EXPECT_FALSE(is_spf(text)) << text;
}

}  // namespace
}  // namespace mxferry::dns
