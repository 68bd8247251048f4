// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/remembered_lookups.hpp"

#include <gtest/gtest.h>

#include "support/scripted_lookups.hpp"

namespace mxferry::dns {
namespace {

TEST(RememberedLookups, AskOnceAndSayTheSameLater) {
  test::ScriptedLookups world("a.test A 192.0.2.1\ndead.test FAIL");
  RememberedLookups asked(world);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(asked.ask({"a.test.", "A"}).rdata, std::vector<std::string>{"192.0.2.1"});
    EXPECT_EQ(asked.ask({"a.test.", "AAAA"}).kind, Answer::Kind::nothing);
    EXPECT_EQ(asked.ask({"dead.test.", "A"}).kind, Answer::Kind::failed);
  }
  EXPECT_EQ(world.asked.size(), 3U);

  RememberedLookups known(asked.answers());
  EXPECT_EQ(known.ask({"a.test.", "A"}).rdata, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(known.ask({"dead.test.", "A"}).why, "SERVFAIL");
  EXPECT_EQ(known.ask({"b.test.", "A"}).kind, Answer::Kind::failed)
      << "what was not asked is not known, and never absent";
}

}  // namespace
}  // namespace mxferry::dns
