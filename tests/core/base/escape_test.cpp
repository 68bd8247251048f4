// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"

#include <gtest/gtest.h>

namespace mxferry {
namespace {

TEST(Escape, LineHasNoControlByteAndStaysReadable) {
  EXPECT_EQ(escape_line("plain Üñï 漢"), "plain Üñï 漢");
  EXPECT_EQ(escape_line("\x1b]0;x\x07\r\n\xff"), "\\x1b]0;x\\x07\\x0d\\x0a\\xff");
  EXPECT_EQ(escape_line("a\xe2\x80\xae"
                        "b"),
            "a\\u{202e}b");
  EXPECT_EQ(escape_line("\xc2\x9b"), "\\u{9b}");
}

TEST(Escape, Utf8RefusesOverlongSurrogateAndBeyond) {
  EXPECT_TRUE(is_utf8("\xf4\x8f\xbf\xbf"));
  for (const char* bad : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf8\x88\x80\x80\x80", "\x80", "\xe2\x82"})
    EXPECT_FALSE(is_utf8(bad)) << hex(bad);
}

TEST(Escape, HtmlAndCsvAreNeutral) {
  EXPECT_EQ(escape_html("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
  EXPECT_EQ(escape_csv("=1+1"), "'=1+1");
  EXPECT_EQ(escape_csv("a,\"b\""), "\"a,\"\"b\"\"\"");
}

TEST(Escape, AllNonNulBytesRoundTrip) {
  std::string all;
  for (int i = 1; i < 256; ++i) all += static_cast<char>(i);
  const auto text = escape_bytes(all);
  EXPECT_TRUE(is_utf8(text));
  EXPECT_EQ(unescape_bytes(text), all);
  EXPECT_EQ(unescape_bytes(escape_bytes("\\x41")), "\\x41");
  // U+009B is CSI to a terminal, U+202E turns text around.
  const std::string deceptive =
      "a\xc2\x9b"
      "31mb\xe2\x80\xae"
      "c\xc3\xa4";
  EXPECT_EQ(escape_bytes(deceptive), "a\\xc2\\x9b31mb\\xe2\\x80\\xaec\xc3\xa4");
  EXPECT_EQ(unescape_bytes(escape_bytes(deceptive)), deceptive);
}

}  // namespace
}  // namespace mxferry
