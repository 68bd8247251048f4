// SPDX-License-Identifier: Apache-2.0
#include "mxferry/xml_answer.hpp"

#include <gtest/gtest.h>

namespace mxferry::sdk {
namespace {

TEST(XmlAnswer, ReadsElementsAttributesTextAndReferences) {
  const auto root = xml_of(
      "<?xml version=\"1.0\"?>\n<!-- note --><a x='1' y=\"&lt;2&quot;\"><b>one &amp; "
      "&#x263A;&#65;</b><b/><c><![CDATA[<raw>]]></c></a>\n");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->name, "a");
  EXPECT_EQ(root->attribute("x"), "1");
  EXPECT_EQ(root->attribute("y"), "<2\"");
  EXPECT_EQ(root->text_of("b"),
            "one & \xe2\x98\xba"
            "A");
  EXPECT_EQ(root->children.size(), 3U);
  EXPECT_EQ(root->text_of("c"), "<raw>");
  EXPECT_FALSE(root->text_of("d"));
}

TEST(XmlAnswer, WhatIsNotWellFormedIsNothing) {
  for (const std::string& text :
       {std::string(), std::string("<a>"), std::string("<a></b>"), std::string("<a x=1/>"),
        std::string("<a/><b/>"), std::string("<a>&unknown;</a>"), std::string("<a>&#0;</a>"),
        std::string("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), std::string("<a x='1' x='2'/>"),
        std::string("<a>&amp</a>"), std::string("<a><![CDATA[x]]</a>"), std::string("text"),
        std::string("<html><br></html>"), std::string("<a>x & y</a>"),
        std::string("<a>&#xd800;</a>"), std::string("<a x='<'/>"), std::string("<a/>text")})
    EXPECT_FALSE(xml_of(text)) << text;
}

// XML 1.0 §2.2, §2.4, §2.5, §2.8, §3.1: a reader that takes what no other takes is fooled.
TEST(XmlAnswer, WhatNoOtherReaderTakesIsNothing) {
  for (const std::string& text : {std::string("<a x='1'y='2'/>"),
                                  std::string("<a>]]></a>"),
                                  std::string("<a>\x01</a>"),
                                  std::string("<a>\0</a>", 8),
                                  std::string("<a><!-- x -- y --></a>"),
                                  std::string("<!-- x ---><a/>"),
                                  std::string("<1/>"),
                                  std::string("<-a/>"),
                                  std::string("<a 1='x'/>"),
                                  std::string("<a>&#1;</a>"),
                                  std::string("<a>&#xfffe;</a>"),
                                  std::string("<a>\xff</a>"),
                                  std::string("<a>\xc0\xaf</a>"),
                                  std::string("<a>\xed\xa0\x80</a>"),
                                  std::string("<a>\xe2\x98</a>"),
                                  std::string("<a>\xf4\x90\x80\x80</a>"),
                                  std::string("<a>\xef\xbf\xbf</a>"),
                                  std::string(" <?xml version='1.0'?><a/>"),
                                  std::string("<a/><?xml version='1.0'?>"),
                                  std::string("<?xmlversion='1.0'?><a/>"),
                                  std::string("<? ?><a/>"),
                                  std::string("<?xml ancoding='1.0'?><a/>"),
                                  std::string("<?xml version='1.0' encoding='iso-8859-1'?><a/>")})
    EXPECT_FALSE(xml_of(text)) << text;
  for (const std::string& text :
       {std::string("<?xml version=\"1.0\" encoding='Utf-8' standalone=\"yes\" ?><a/>"),
        std::string("<?style a?><_a-1.b:c\tx=\n'1'\r\n></_a-1.b:c >"),
        std::string("<a>\xf4\x8f\xbf\xbd\xee\x80\x80\xed\x9f\xbf]] ></a><!--->x-->")})
    EXPECT_TRUE(xml_of(text)) << text;
}

TEST(XmlAnswer, DepthHasALimit) {
  const auto nested = [](int levels) {
    std::string out;
    for (int i = 0; i < levels; ++i) out += "<a>";
    for (int i = 0; i < levels; ++i) out += "</a>";
    return out;
  };
  EXPECT_TRUE(xml_of(nested(65)));
  EXPECT_FALSE(xml_of(nested(66)));
}

TEST(XmlAnswer, EscapedTextComesBack) {
  const std::string text = "<&>\"' plain";
  const auto root = xml_of("<a x=\"" + xml_escaped(text) + "\">" + xml_escaped(text) + "</a>");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->text, text);
  EXPECT_EQ(root->attribute("x"), text);
}

}  // namespace
}  // namespace mxferry::sdk
