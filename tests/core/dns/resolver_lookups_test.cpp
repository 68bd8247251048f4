// SPDX-License-Identifier: Apache-2.0
#include "dns/resolver_lookups.hpp"

#include <gtest/gtest.h>

namespace mxferry::dns {
namespace {

const Question kQuestion{"www.example.com.", "A"};

struct Read {
  Answer answer;
  std::string alias{};
};

Read read(const Message& message) {
  Read out;
  out.answer = read_answer(message, kQuestion, out.alias);
  return out;
}

TEST(ResolverLookups, DataAtTheEndOfAnAliasIsFound) {
  Message message;
  message.answers = {{"www.example.com.", "CNAME", 60, "h.example.net."},
                     {"h.example.net.", "A", 60, "192.0.2.2"},
                     {"h.example.net.", "A", 60, "192.0.2.1"},
                     {"other.example.net.", "A", 60, "192.0.2.3"}};
  const auto got = read(message);
  EXPECT_EQ(got.answer.kind, Answer::Kind::found);
  EXPECT_EQ(got.answer.rdata, (std::vector<std::string>{"192.0.2.2", "192.0.2.1"}))
      << "in the order of the answer";
}

TEST(ResolverLookups, AnAliasWithoutItsEndIsAskedOn) {
  Message message;
  message.answers = {{"www.example.com.", "CNAME", 60, "h.example.net."}};
  EXPECT_EQ(read(message).alias, "h.example.net.");
  message.authority = {{"example.net.", "SOA", 60, "ns. h. 1 2 3 4 5"}};
  EXPECT_EQ(read(message).alias, "") << "the end is there, and has no address";
  EXPECT_EQ(read(message).answer.kind, Answer::Kind::nothing);
}

TEST(ResolverLookups, AliasesInACircleAreAFailure) {
  Message message;
  message.answers = {{"www.example.com.", "CNAME", 60, "h.example.net."},
                     {"h.example.net.", "CNAME", 60, "www.example.com."}};
  EXPECT_EQ(read(message).answer.kind, Answer::Kind::failed);
  EXPECT_EQ(read(message).alias, "");
}

TEST(ResolverLookups, AbsenceIsRcode0Or3AndFailureIsAllElse) {
  Message message;
  EXPECT_EQ(read(message).answer.kind, Answer::Kind::nothing);
  message.rcode = 3;
  EXPECT_EQ(read(message).answer.kind, Answer::Kind::no_name);
  for (const int rcode : {1, 2, 4, 5, 9}) {
    message.rcode = static_cast<std::uint8_t>(rcode);
    EXPECT_EQ(read(message).answer.kind, Answer::Kind::failed) << rcode;
  }
  message.rcode = 0;
  message.authority = {{"com.", "NS", 60, "a.gtld.example."}};
  EXPECT_EQ(read(message).answer.kind, Answer::Kind::failed) << "a referral says nothing";
}

TEST(ResolverLookups, WithoutAResolverNothingIsKnown) {
  ResolverLookups nobody({});
  EXPECT_EQ(nobody.ask(kQuestion).kind, Answer::Kind::failed);
}

}  // namespace
}  // namespace mxferry::dns
