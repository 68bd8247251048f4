// SPDX-License-Identifier: Apache-2.0
// What a destination with a quota is asked before anything is copied.
#include "copy/room.hpp"

#include <gtest/gtest.h>

#include "core/copy/copy_fixture.hpp"

namespace mxferry::copy {
namespace {

class Room : public CopyFixture {
 protected:
  void SetUp() override {
    CopyFixture::SetUp();
    options.check_room = true;
  }
};

std::uint64_t octets(const FakeServer& server) {
  std::uint64_t sum = 0;
  for (const auto& [wire, folder] : server.folders)
    for (const auto& message : folder.messages) sum += message.body.size();
  return sum;
}

TEST_F(Room, ThatIsExactlyEnoughIsEnough) {
  fill(40);
  target.quota = QuotaState{100, 100 + octets(source)};
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  expect_equal();
}

TEST_F(Room, OneOctetTooLittleCopiesNothingUntilItIsAccepted) {
  fill(40);
  target.quota = QuotaState{100, 99 + octets(source)};
  for (const bool dry : {true, false}) {
    options.dry_run = dry;
    auto report = run();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::gate);
    EXPECT_NE(report.error().text.find("QU-01"), std::string::npos);
    EXPECT_EQ(target.appends, 0);
    EXPECT_EQ(target.folders.size(), 1U);
  }
  options.check_room = false;
  ASSERT_TRUE(run());
  expect_equal();
}

TEST_F(Room, IsCountedForWhatIsStillToBeCopied) {
  fill(40);
  ASSERT_TRUE(run());
  const auto last = mail(100);
  source.add("INBOX", last);
  target.quota = QuotaState{1'000'000, 1'000'000 + last.size() - 1};
  ASSERT_FALSE(run());
  ++*target.quota.limit;
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->copied, 1U);
  // Nothing new needs no room, whatever the quota says.
  target.quota = QuotaState{2'000'000, 1'000'000};
  EXPECT_TRUE(run());
}

TEST_F(Room, IsNotNeededForWhatAFilterLeavesOutAndIsWhenItDoesSoNoMore) {
  source.add("INBOX", mail(1));
  const auto large = mail(2, std::string(5'000, 'x') + "\r\n");
  source.add("INBOX", large);
  target.quota = QuotaState{0, large.size()};
  options.messages.max_size = 1'000;
  auto report = run();
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->copied, 1U);
  options.messages = {};
  target.quota = QuotaState{mail(1).size(), mail(1).size() + large.size() - 1};
  EXPECT_FALSE(run());
  ++*target.quota.limit;
  EXPECT_TRUE(run());
  expect_equal();
}

TEST_F(Room, IsNotAskedForWhereNoQuotaIsTold) {
  fill(5);
  EXPECT_TRUE(run());
  EXPECT_EQ(target.quota_asked, 1);
}

}  // namespace
}  // namespace mxferry::copy
