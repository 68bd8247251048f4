// SPDX-License-Identifier: Apache-2.0
// Who still sends to the old server: no more than is needed to find them. And mailboxes that are
// nearly full.
#include "pipeline/stragglers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_world.hpp"

namespace mxferry::pipeline {
namespace {

using test::FakeWorld;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> kOwn = {"alpha.test"};

TEST(Stragglers, AnOwnAddressIsNamedWholeAndAThirdPartysDomainAlone) {
  const auto own = sender_of(
      "Received: from printer.alpha.test (printer [192.0.2.7])\r\n by mx.old.test; x\r\n"
      "Received: from elsewhere by printer.alpha.test\r\nFrom: Scanner <scan@Alpha.test>\r\n\r\n",
      kOwn);
  EXPECT_EQ(own.from, "scan@alpha.test");
  EXPECT_EQ(own.host, "printer.alpha.test");
  const auto third = sender_of(
      "Received: from mail.shop.example ([192.0.2.9]) by mx.old.test\r\n"
      "From: \"Jo Doe\" <jo.doe@shop.example>\r\n",
      kOwn);
  EXPECT_EQ(third.from, "shop.example");
  EXPECT_EQ(third.host, "mail.shop.example");
}

TEST(Stragglers, WhatCannotBeReadIsEmpty) {
  for (const char* header : {"", "From: nobody\r\n", "Received: by mx.old.test\r\n"}) {
    const auto sender = sender_of(header, kOwn);
    EXPECT_EQ(sender.from, "");
    EXPECT_EQ(sender.host, "");
  }
}

TEST(Stragglers, TheirSendersAreNotedWhenTheyAreFetched) {
  FakeWorld world;
  world.senders["anna@alpha.test"] = {{"shop.example", "mail.shop.example", 2}};
  world.run_until_done("canary-public:alpha.test");
  EXPECT_THAT(*world.store().observations("straggler-from"), IsEmpty());
  world.late["anna@alpha.test"] = 2;
  EXPECT_EQ(world.run_on(400).kind, RunEnd::Kind::done);
  const auto noted = world.store().observations("straggler-from", "anna@alpha.test");
  ASSERT_EQ(noted->size(), 1U);
  EXPECT_THAT(noted->front().second, HasSubstr("mail.shop.example"));
}

TEST(Quota, AboveNinetyPercentIsToldOnceAndNinetyIsNot) {
  for (const std::uint64_t used : {90U, 91U}) {
    FakeWorld world;
    world.file.alert.webhook = "http://127.0.0.1:9/";
    world.quotas["anna@alpha.test"] = {used << 20U, 100ULL << 20U};
    for (int i = 0; i < 2; ++i) world.run();
    if (used == 90) {
      EXPECT_THAT(world.alerts, IsEmpty());
    } else {
      ASSERT_EQ(world.alerts.size(), 1U);
      EXPECT_EQ(world.alerts[0].kind, "quota");
      EXPECT_THAT(world.alerts[0].text, HasSubstr("91 %"));
    }
  }
}

}  // namespace
}  // namespace mxferry::pipeline
