// SPDX-License-Identifier: Apache-2.0
#include "protocol/mime/address_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace mxferry::mime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> read(std::string_view value) {
  std::vector<std::string> out;
  for (const auto& a : parse_addresses(value)) out.push_back(a.local + "|" + a.domain);
  return out;
}

TEST(AddressList, PlainOnes) {
  EXPECT_THAT(read("anna@alpha.test"), ElementsAre("anna|alpha.test"));
  EXPECT_THAT(read(" anna@Alpha.TEST. "), ElementsAre("anna|alpha.test"));
  EXPECT_THAT(read("a.b.c@x.y, d@z"), ElementsAre("a.b.c|x.y", "d|z"));
  EXPECT_THAT(read("a@x,b@x,,c@x,"), ElementsAre("a|x", "b|x", "c|x"));
  EXPECT_THAT(read("anna+news@x"), ElementsAre("anna+news|x"));
}

TEST(AddressList, NamesAndAngles) {
  EXPECT_THAT(read("Anna Example <anna@x>"), ElementsAre("anna|x"));
  EXPECT_THAT(read("\"Example, Anna\" <anna@x>, Bert <b@x>"), ElementsAre("anna|x", "b|x"));
  EXPECT_THAT(read("\"trick@y\" <anna@x>"), ElementsAre("anna|x"));
  EXPECT_THAT(read("anna@y <anna@x>"), ElementsAre("anna|x"));
  EXPECT_THAT(read("<anna@x> trailing@noise, b@x"), ElementsAre("anna|x", "b|x"));
  EXPECT_THAT(read("<@relay1,@relay2:anna@x>"), ElementsAre("anna|x"));
  EXPECT_THAT(read("<>"), IsEmpty());
}

TEST(AddressList, Groups) {
  EXPECT_THAT(read("Team: anna@x, Bert <b@x>;, c@x"), ElementsAre("anna|x", "b|x", "c|x"));
  EXPECT_THAT(read("undisclosed-recipients:;"), IsEmpty());
  EXPECT_THAT(read("Empty: ; a@x"), ElementsAre("a|x"));
}

TEST(AddressList, CommentsFoldsAndObsoleteBlanks) {
  EXPECT_THAT(read("anna@x (at home)"), ElementsAre("anna|x"));
  EXPECT_THAT(read("(a (nested, b@y) one) anna@x"), ElementsAre("anna|x"));
  EXPECT_THAT(read("anna(c)@(c)x.(c)y"), ElementsAre("anna|x.y"));
  EXPECT_THAT(read("Anna\r\n <anna@x>,\r\n\tb@x"), ElementsAre("anna|x", "b|x"));
  EXPECT_THAT(read("a . b @ x . y"), ElementsAre("a.b|x.y"));
  EXPECT_THAT(read("anna@x (a paren \\) inside)"), ElementsAre("anna|x"));
}

TEST(AddressList, QuotedLocalPartsAndLiterals) {
  EXPECT_THAT(read("\"a b\"@x"), ElementsAre("a b|x"));
  EXPECT_THAT(read("\"a\\\"b\"@x"), ElementsAre("a\"b|x"));
  EXPECT_THAT(read("\"a@b\"@x"), ElementsAre("a@b|x"));
  EXPECT_THAT(read("\"a\".b@x"), ElementsAre("a.b|x"));
  EXPECT_THAT(read("a@[192.0.2.1]"), ElementsAre("a|[192.0.2.1]"));
}

TEST(AddressList, EncodedWordsAreNoAddresses) {
  EXPECT_THAT(read("=?utf-8?Q?Anna=40y?= <anna@x>"), ElementsAre("anna|x"));
  EXPECT_THAT(read("=?utf-8?Q?anna=40y?="), IsEmpty());
  EXPECT_THAT(read("=?utf-8?Q?anna?=@y"), IsEmpty());
}

TEST(AddressList, NonAsciiLocalPartsStay) {
  EXPECT_THAT(read("m\xc3\xbcller@x"), ElementsAre("m\xc3\xbcller|x"));
}

TEST(AddressList, WhatIsNoAddressIsPassedOver) {
  for (const auto* value : {"", "anna", "@", "@x", "anna@", "anna@.", ".anna@x", ",;:<>",
                            "(never ends anna@x", "\"never ends", "[", "\\", "a\x01@"})
    EXPECT_THAT(read(value), IsEmpty()) << value;
  EXPECT_THAT(read("Anna anna@x"), ElementsAre("anna|x"));
  EXPECT_THAT(read("x@y@z"), ElementsAre("y|z"));
  EXPECT_THAT(read(std::string("a\0b@x", 5)), ElementsAre("b|x"));
}

TEST(AddressList, IsBoundedByLengthAndNumber) {
  const std::string local64(64, 'l');
  EXPECT_EQ(parse_addresses(local64 + "@x").size(), 1U);
  EXPECT_EQ(parse_addresses(local64 + "l@x").size(), 0U);
  EXPECT_EQ(parse_addresses("a@" + std::string(255, 'd')).size(), 1U);
  EXPECT_EQ(parse_addresses("a@" + std::string(256, 'd')).size(), 0U);
  std::string many;
  for (int i = 0; i < 20; ++i) many += "a" + std::to_string(i) + "@x,";
  EXPECT_EQ(parse_addresses(many, 7).size(), 7U);
  EXPECT_TRUE(parse_addresses(std::string(2'000'000, '(')).empty());
  EXPECT_TRUE(parse_addresses(std::string(2'000'000, '<')).empty());
}

// A value that is cut off anywhere, or has any byte in it, neither crashes nor yields what has no
// "@" or a control byte.
TEST(AddressList, AnyBytesInAnyPiece) {
  const std::string value = "A (c) <\"q\\\" x\".b@y.z>, G: c@d, <@r:e@f>;\r\n =?x?q?=40?= [1]";
  for (std::size_t n = 0; n <= value.size(); ++n) parse_addresses(value.substr(0, n));
  std::mt19937 random(7);
  const std::string alphabet("ab@.,:;<>()[]\"\\ \r\n\t\0\x80\xff=?", 24);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t n = random() % 40; n > 0; --n) text += alphabet[random() % alphabet.size()];
    for (const auto& a : parse_addresses(text)) {
      EXPECT_FALSE(a.local.empty() || a.domain.empty()) << text;
      for (const char c : a.local) EXPECT_GE(static_cast<unsigned char>(c), 0x20U) << text;
    }
  }
}

}  // namespace
}  // namespace mxferry::mime
