// SPDX-License-Identifier: Apache-2.0
#include "dns/convergence.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>

#include "dns/at_once.hpp"

namespace mxferry::dns {
namespace {

Seen present(std::vector<std::string> rdata, std::uint32_t ttl) {
  Seen seen;
  seen.kind = Seen::Kind::present;
  seen.rdata = std::move(rdata);
  seen.ttl = ttl;
  return seen;
}

Seen absent(std::uint32_t negative_ttl) {
  Seen seen;
  seen.kind = Seen::Kind::absent;
  seen.negative_ttl = negative_ttl;
  return seen;
}

Expected expected(std::vector<std::string> rdata, std::optional<std::uint32_t> ttl = {}) {
  Expected out;
  out.question = {"a.test.", "MX"};
  out.rdata = std::move(rdata);
  out.ttl = ttl;
  return out;
}

View view(Seen seen) { return {"ns1.test.", {"192.0.2.1"}, {"a.test.", "MX"}, std::move(seen)}; }

TEST(Convergence, AResolverWithTheOldAnswerIsBehindForAsLongAsItHoldsIt) {
  const auto behind =
      check_resolver("r", present({"10 old.test."}, 31), expected({"10 new.test."}, 10));
  ASSERT_TRUE(behind);
  EXPECT_TRUE(behind->answered);
  EXPECT_EQ(behind->ttl_left, 31U);
  EXPECT_NE(behind->why.find("old.test."), std::string::npos);
  EXPECT_FALSE(check_resolver("r", present({"10 NEW.test."}, 9), expected({"10 new.test."}, 10)));
}

TEST(Convergence, TheNewDataUnderTheOldTtlIsStillTheOldAnswer) {
  EXPECT_TRUE(check_resolver("r", present({"10 a.test."}, 11), expected({"10 a.test."}, 10)));
  EXPECT_FALSE(check_resolver("r", present({"10 a.test."}, 10), expected({"10 a.test."}, 10)));
  EXPECT_FALSE(check_resolver("r", present({"10 a.test."}, 999), expected({"10 a.test."})));
}

TEST(Convergence, AnAbsentSetIsOldWhereOneWasMadeAndRightWhereOneWasTakenAway) {
  const auto behind = check_resolver("r", absent(7), expected({"10 new.test."}));
  ASSERT_TRUE(behind);
  EXPECT_EQ(behind->ttl_left, 7U);
  EXPECT_FALSE(check_resolver("r", absent(7), expected({})));
  EXPECT_TRUE(check_resolver("r", present({"10 old.test."}, 5), expected({})));
}

TEST(Convergence, NoAnswerIsNeverAgreement) {
  Seen seen;
  seen.why = "SERVFAIL";
  for (const auto& want : {expected({"10 new.test."}), expected({})}) {
    const auto behind = check_resolver("r", seen, want);
    ASSERT_TRUE(behind);
    EXPECT_FALSE(behind->answered);
    EXPECT_FALSE(behind->ttl_left);
  }
}

TEST(Convergence, AServerMustServeTheVeryTtl) {
  const auto want = expected({"10 new.test."}, 10);
  EXPECT_TRUE(check_view(view(present({"10 new.test."}, 10)), want).passed());
  EXPECT_FALSE(check_view(view(present({"10 new.test."}, 40)), want).passed());
  EXPECT_FALSE(check_view(view(present({"10 new.test."}, 5)), want).passed());
}

TEST(Convergence, AnAliasInPlaceOfASetIsItsAbsence) {
  auto alias = present({}, 0);
  alias.alias = "b.test.";
  EXPECT_TRUE(check_view(view(alias), expected({})).passed());
  EXPECT_FALSE(check_view(view(alias), expected({"10 new.test."})).passed());
}

TEST(AtOnce, EveryQuestionIsAskedOnceAndAllAreInFlightTogether) {
  constexpr std::size_t kCount = 20;
  std::mutex mutex;
  std::condition_variable all_here;
  std::multiset<std::size_t> asked;
  // Each waits for all the others: with one less in flight this would never end.
  at_once(kCount, [&](std::size_t i) {
    std::unique_lock lock(mutex);
    asked.insert(i);
    all_here.notify_all();
    all_here.wait(lock, [&] { return asked.size() == kCount; });
  });
  EXPECT_EQ(asked.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(asked.count(i), 1U);
  std::atomic<int> many{0};
  at_once(1000, [&](std::size_t) { ++many; });
  EXPECT_EQ(many, 1000);
  at_once(0, [](std::size_t) { FAIL(); });
}

}  // namespace
}  // namespace mxferry::dns
