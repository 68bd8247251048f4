// SPDX-License-Identifier: Apache-2.0
// Rates, budgets of a day and windows: what a copy may move, and when.
#include "copy/pace.hpp"

#include <gtest/gtest.h>

#include "copy/folder_copy.hpp"
#include "copy/state_pace_book.hpp"
#include "core/copy/copy_fixture.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::copy {
namespace {

using namespace std::chrono;

constexpr Instant kNoon = sys_days(2024y / 1 / 10) + 12h;

class Paced : public CopyFixture {
 protected:
  std::shared_ptr<Pace> pace_of(const PaceLimits& limits, PaceBook* book = nullptr) {
    return std::make_shared<Pace>("host", limits, time, book);
  }
  Result<CopyReport> run_with(const PaceLimits& limits, PaceBook* book = nullptr) {
    auto job = job_with(state);
    job.paces = {pace_of(limits, book)};
    return test::run_task(run_copy(job));
  }
  ManualClock time{kNoon};
};

TEST_F(Paced, RatesSpreadWhatMovesOverTime) {
  PaceLimits limits;
  limits.octets_per_second = 1000;
  limits.messages_per_second = 10;
  auto pace = pace_of(limits);
  EXPECT_EQ(pace->take(1, 2000), 0ms) << "nothing moved before";
  EXPECT_EQ(pace->take(1, 500), 2000ms);
  time.advance(2000ms);
  EXPECT_EQ(pace->take(30, 0), 500ms);
  time.advance(500ms);
  EXPECT_EQ(pace->take(1, 0), 3000ms) << "thirty messages take three seconds";
  time.advance(1h);
  EXPECT_EQ(pace->take(1, 1), 0ms) << "what was not used is not saved up";
}

TEST_F(Paced, BatchesTakeAboutASecondOfTheStrictestRate) {
  PaceLimits slow;
  slow.octets_per_second = 100'000;
  PaceLimits few;
  few.messages_per_second = 7;
  const Paces paces = {pace_of(slow), pace_of(few), pace_of({})};
  const auto limits = batch_limits(paces);
  EXPECT_EQ(limits.octets, 100'000U);
  EXPECT_EQ(limits.messages, 7U);
  EXPECT_EQ(batch_limits({}).messages, BatchLimits().messages);
}

TEST_F(Paced, TheBudgetOfADayIsKeptAndTheNextDayGoesOn) {
  for (int i = 0; i < 12; ++i)
    source.add("Folder" + std::to_string(i), mail(i, std::string(3000, 'x') + "\r\n"));
  options.lanes = 1;
  PaceLimits limits;
  limits.octets_per_day = 10'000;
  const auto there = [&] {
    std::size_t out = 0;
    for (const auto& [wire, folder] : target.folders) out += folder.messages.size();
    return out;
  };
  for (std::size_t day = 1; day <= 3; ++day) {
    auto report = run_with(limits);
    ASSERT_FALSE(report);
    ASSERT_EQ(report.error().code, ErrorCode::waiting) << report.error().message();
    EXPECT_EQ(report.error().retry_after, day == 1 ? milliseconds(12h) : milliseconds(24h));
    EXPECT_EQ(there(), day * 3);
    time.advance(day == 1 ? 12h : 24h);
  }
  ASSERT_TRUE(run_with(limits));
  expect_equal();
}

TEST_F(Paced, TheBudgetOfADayOutlastsTheProcess) {
  const test::TempDir dir;
  auto file = store::StateFile::open(dir.path() / "state", store::Access::act);
  ASSERT_TRUE(file) << file.error().message();
  StatePaceBook book(*file);
  PaceLimits limits;
  limits.octets_per_day = 100'000'000;
  ASSERT_TRUE(pace_of(limits, &book)->allow(60'000'000, false));
  auto next = pace_of(limits, &book);  // another process
  const auto refused = next->allow(60'000'000, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::waiting);
  EXPECT_TRUE(next->allow(60'000'000, true)) << "what the flip waits for is not held";
  EXPECT_FALSE(next->allow(1, false)) << "and is counted";
  time.advance(12h);
  EXPECT_TRUE(next->allow(60'000'000, false)) << "a new day";
}

TEST_F(Paced, AMessageLargerThanADaysBudgetHasADayOfItsOwn) {
  PaceLimits limits;
  limits.octets_per_day = 1000;
  auto pace = pace_of(limits);
  EXPECT_TRUE(pace->allow(5000, false));
  EXPECT_FALSE(pace->allow(1, false));
}

TEST_F(Paced, OutsideOfItsWindowNothingIsOpened) {
  fill(10);
  PaceLimits limits;
  auto window = TimeWindow::parse("daily 20:00-06:00");
  ASSERT_TRUE(window);
  limits.window = *window;
  auto job = job_with(state);
  job.paces = {pace_of(limits)};
  int opened = 0;
  const auto open = job.open_source;
  job.open_source = [&] {
    ++opened;
    return open();
  };
  auto report = test::run_task(run_copy(job));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::waiting);
  EXPECT_EQ(report.error().retry_after, duration_cast<milliseconds>(8h));
  EXPECT_NE(report.error().text.find("daily 20:00-06:00"), std::string::npos);
  EXPECT_EQ(opened, 0);
  job.options.urgent = true;
  ASSERT_TRUE(test::run_task(run_copy(job)));
  expect_equal();
}

TEST_F(Paced, WhoeverMayWaitIsToldAndWaits) {
  fill(10);
  time.advance(12h - 30ms);
  PaceLimits limits;
  limits.octets_per_day = 100;
  auto job = job_with(state);
  job.paces = {pace_of(limits)};
  ASSERT_TRUE(job.paces.front()->allow(100, false));  // moved before
  int told = 0;
  job.options.on_wait = [&](const Error& why) {
    ++told;
    EXPECT_EQ(why.retry_after, told == 1 ? 30ms : duration_cast<milliseconds>(24h));
    time.advance(30ms);
    if (told > 1) job.control->stop();
  };
  auto report = test::run_task(run_copy(job));
  EXPECT_EQ(told, 2) << "the second day's budget is too small for all of it";
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::cancelled);
  EXPECT_GT(target.folder("INBOX").messages.size() + target.folder("Work/2019").messages.size(),
            0U);
}

}  // namespace
}  // namespace mxferry::copy
