// SPDX-License-Identifier: Apache-2.0
// What was looked up ahead is given where exactly that is asked for, and never for anything else.
#include "copy/look_ahead.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "core/copy/copy_fixture.hpp"

namespace mxferry::copy {
namespace {

imap::UidSet all_of(std::vector<MessageInfo> listed) {
  imap::UidSet out;
  for (const auto& info : listed) out.add(info.uid);
  return out;
}

class LookingAhead : public ::testing::Test {
 protected:
  void SetUp() override {
    server.yields = true;
    for (int i = 0; i < 4; ++i) server.add("first", mail(i));
    for (int i = 10; i < 13; ++i) server.add("second", mail(i));
  }
  // Runs `use` on a LookAhead that has "first" open and looks ahead into "second".
  template <class Use>
  void with_second_ahead(Use use) {
    const auto work = [](FakeServer* from, Use body) -> Task<Result<void>> {
      const auto executor = co_await boost::asio::this_coro::executor;
      LookAhead source(executor, std::make_unique<FakeMailbox>(*from));
      auto opened = co_await source.open_folder("first");
      if (!opened) co_return fail(std::move(opened).error());
      LookAhead::Next next;
      next.wire = "second";
      next.first = Uid(1);
      next.batch = all_of;
      source.begin(std::move(next));
      auto done = co_await body(source);
      co_await source.end();
      co_return done;
    };
    auto done = test::run_task(work(&server, use));
    ASSERT_TRUE(done) << done.error().message();
  }

  FakeServer server;
};

TEST_F(LookingAhead, GivesWhatWasLookedUpWithoutAskingAgain) {
  with_second_ahead([this](LookAhead& source) -> Task<Result<void>> {
    auto opened = co_await source.open_folder("second");
    if (!opened) co_return fail(std::move(opened).error());
    EXPECT_EQ(opened->messages, 3U);
    const int operations = server.operations;
    const int fetched = server.fetched;
    EXPECT_EQ(fetched, 3);
    auto listed = co_await source.list_messages(Uid(1), Uid(3));
    if (!listed) co_return fail(std::move(listed).error());
    EXPECT_EQ(listed->size(), 3U);
    auto bodies = co_await source.fetch_messages(all_of(*listed));
    if (!bodies) co_return fail(std::move(bodies).error());
    EXPECT_EQ(bodies->size(), 3U);
    EXPECT_EQ(bodies->front().body, mail(10));
    EXPECT_EQ(server.operations, operations);
    // Once: who asks again is told what the server has now.
    auto again = co_await source.fetch_messages(all_of(*listed));
    if (!again) co_return fail(std::move(again).error());
    EXPECT_EQ(again->size(), 3U);
    EXPECT_EQ(server.fetched, 6);
    co_return Result<void>();
  });
}

TEST_F(LookingAhead, APartOfTheListingIsThatPart) {
  with_second_ahead([](LookAhead& source) -> Task<Result<void>> {
    auto opened = co_await source.open_folder("second");
    if (!opened) co_return fail(std::move(opened).error());
    auto part = co_await source.list_messages(Uid(2), Uid(2));
    if (!part) co_return fail(std::move(part).error());
    EXPECT_EQ(part->size(), 1U);
    auto more = co_await source.list_messages(Uid(1), Uid(9));
    if (!more) co_return fail(std::move(more).error());
    EXPECT_EQ(more->size(), 3U);
    co_return Result<void>();
  });
}

TEST_F(LookingAhead, AnotherSetIsFetchedAnew) {
  with_second_ahead([](LookAhead& source) -> Task<Result<void>> {
    auto opened = co_await source.open_folder("second");
    if (!opened) co_return fail(std::move(opened).error());
    imap::UidSet two;
    two.add(Uid(2));
    auto bodies = co_await source.fetch_messages(two);
    if (!bodies) co_return fail(std::move(bodies).error());
    EXPECT_EQ(bodies->size(), 1U);
    EXPECT_EQ(bodies->front().body, mail(11));
    co_return Result<void>();
  });
}

// The UIDs of both folders are the same: an answer from the wrong one would be another mail.
TEST_F(LookingAhead, WhoStaysInTheFolderIsAnsweredFromIt) {
  with_second_ahead([](LookAhead& source) -> Task<Result<void>> {
    imap::UidSet two;
    two.add(Uid(2));
    auto bodies = co_await source.fetch_messages(two);
    if (!bodies) co_return fail(std::move(bodies).error());
    EXPECT_EQ(bodies->size(), 1U);
    EXPECT_EQ(bodies->front().body, mail(1));
    auto listed = co_await source.list_messages(Uid(1), Uid(4));
    if (!listed) co_return fail(std::move(listed).error());
    EXPECT_EQ(listed->size(), 4U);
    co_return Result<void>();
  });
}

// A refused batch is read again beside the fetch of the last one: its end is no time to leave.
TEST_F(LookingAhead, NothingIsBegunWhileTheUserReads) {
  const auto work = [](FakeServer* from, int pace) -> Task<Result<void>> {
    const auto executor = co_await boost::asio::this_coro::executor;
    LookAhead source(executor, std::make_unique<FakeMailbox>(*from));
    auto opened = co_await source.open_folder("first");
    if (!opened) co_return fail(std::move(opened).error());
    from->operations = pace;
    imap::UidSet two;
    two.add(Uid(2));
    Started<std::vector<WholeMessage>> reading(executor, source.fetch_messages(two));
    while (from->operations == pace)
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
    LookAhead::Next next;
    next.wire = "second";
    source.begin(std::move(next));
    auto bodies = co_await reading.get();
    if (!bodies) co_return fail(std::move(bodies).error());
    EXPECT_EQ(bodies->front().body, mail(1));
    co_await source.end();
    co_return Result<void>();
  };
  for (int pace = 0; pace < 3; ++pace) {  // in one of them EXAMINE would overtake the fetch
    auto done = test::run_task(work(&server, pace));
    ASSERT_TRUE(done) << done.error().message();
  }
}

TEST_F(LookingAhead, AThirdFolderIsOpenedAsEver) {
  server.add("third", mail(20));
  with_second_ahead([](LookAhead& source) -> Task<Result<void>> {
    auto opened = co_await source.open_folder("third");
    if (!opened) co_return fail(std::move(opened).error());
    EXPECT_EQ(opened->messages, 1U);
    auto listed = co_await source.list_messages(Uid(1), Uid(3));
    if (!listed) co_return fail(std::move(listed).error());
    EXPECT_EQ(listed->size(), 1U);
    co_return Result<void>();
  });
}

TEST_F(LookingAhead, AFolderThatWasMadeAnewMeanwhileIsNotReadOnAsTheOldOne) {
  with_second_ahead([this](LookAhead& source) -> Task<Result<void>> {
    server.folder("first").validity = UidValidity(101);
    auto listed = co_await source.list_messages(Uid(1), Uid(4));
    EXPECT_FALSE(listed);
    if (!listed) {
      EXPECT_EQ(listed.error().code, ErrorCode::protocol);
    }
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace mxferry::copy
