// SPDX-License-Identifier: Apache-2.0
// How a run's thread and its workers hand work to each other: on_worker, on_main, Slots, nap.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <thread>

#include "pipeline/env.hpp"
#include "store/state_file.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::pipeline {
namespace {

struct NoMail final : MailEngine {
  static Error none() { return fail(ErrorCode::unsupported, "test", "none").error(); }
  Task<Result<MailboxInventory>> inventory(const config::Mailbox&, bool) override {
    co_return fail(none());
  }
  Task<Result<void>> source_answers(const config::Mailbox&) override { co_return fail(none()); }
  Task<Result<SeenAddresses>> seen_addresses(const config::Mailbox&, Instant) override {
    co_return fail(none());
  }
  Task<Result<copy::CopyReport>> copy(const config::Mailbox&, CopyKind,
                                      std::shared_ptr<copy::CopyControl>,
                                      std::function<void(const copy::Progress&)>) override {
    co_return fail(none());
  }
  Task<Result<copy::VerifyReport>> verify(const config::Mailbox&,
                                          std::shared_ptr<copy::CopyControl>) override {
    co_return fail(none());
  }
  Task<Result<bool>> find_canary(const config::Mailbox&, const std::string&, bool) override {
    co_return fail(none());
  }
  Task<Result<std::vector<NewMail>>> arrived_since_flip(const config::Mailbox&) override {
    co_return fail(none());
  }
  Task<Result<std::vector<Sender>>> senders(const config::Mailbox&, const SourceMarks&) override {
    co_return fail(none());
  }
  Task<Result<QuotaState>> quota(const config::Mailbox&) override { co_return fail(none()); }
  Task<Result<void>> mark_flip(const config::Mailbox&) override { co_return fail(none()); }
};

struct NoEyes final : DnsEyes {
  Result<dns::Delegation> delegation(const std::string&, std::stop_token) override {
    return fail(NoMail::none());
  }
  dns::Round round(const dns::Delegation&, const std::vector<dns::Question>&,
                   std::stop_token) override {
    return {};
  }
  Assertion confirmed(const dns::Delegation&, const std::vector<dns::Expected>&,
                      std::stop_token) override {
    return Assertion::pass();
  }
  Result<std::uint32_t> negative_ttl(const dns::Delegation&, std::stop_token) override {
    return fail(NoMail::none());
  }
  Result<std::vector<std::string>> addresses(const std::string&, std::stop_token) override {
    return fail(NoMail::none());
  }
  Result<dns::Seen> lookup(const dns::Question&, std::stop_token) override {
    return fail(NoMail::none());
  }
  Result<bool> has_ds(const std::string&, std::stop_token) override { return fail(NoMail::none()); }
  Assertion signatures(const dns::Delegation&, const std::vector<dns::Question>&,
                       std::stop_token) override {
    return Assertion::pass();
  }
  std::vector<Resolver> ask_resolvers(const dns::Question&, std::stop_token) override { return {}; }
};

struct NoPost final : CanaryPost {
  Task<Result<void>> send(const std::string&, const std::string&, const std::string&,
                          const std::string&) override {
    co_return fail(NoMail::none());
  }
  Task<Result<smtp::Reply>> probe(const std::string&, const std::string&,
                                  const std::string&) override {
    co_return fail(NoMail::none());
  }
  Task<Result<TlsView>> look_at_tls(const std::string&, const std::string&,
                                    const std::vector<std::string>&) override {
    co_return fail(NoMail::none());
  }
};

struct Silent final : RunWatcher {
  void step(const Step&, StepStatus, const std::string&) override {}
  void progress(const copy::Progress&) override {}
  void note(const std::string&) override {}
};

class EnvConcurrent : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::StateFile::open(dir_ / "state.db", store::Access::act);
    ASSERT_TRUE(opened) << opened.error().message();
    state_.emplace(std::move(*opened));
    store_.emplace(*state_, clock_);
    waits_.emplace(state_->db(), clock_);
  }
  Env env() {
    return Env{file_,
               plan_,
               *store_,
               *waits_,
               clock_,
               mail_,
               eyes_,
               {},
               nullptr,
               post_,
               watcher_,
               {},
               io_.get_executor(),
               workers_,
               stop_.get_token()};
  }
  void run(Task<void> work) {
    boost::asio::co_spawn(io_, std::move(work), [](std::exception_ptr broken) {
      if (broken) std::rethrow_exception(broken);
    });
  }

  test::TempDir dir_;
  SystemClock clock_;
  config::PlanFile file_;
  Plan plan_;
  std::optional<store::StateFile> state_;
  std::optional<RunStore> store_;
  std::optional<WaitClock> waits_;
  NoMail mail_;
  NoEyes eyes_;
  NoPost post_;
  Silent watcher_;
  boost::asio::io_context io_{1};
  boost::asio::thread_pool workers_{4};
  std::stop_source stop_;
};

Task<void> hold_and_work(Env& env, Slots& slots, std::atomic<int>& inside, std::atomic<int>& most,
                         int& on_this_thread, std::thread::id main) {
  const auto held = co_await slots.take();
  auto work = [&inside, &most, &on_this_thread, &env, main] {
    const int now = ++inside;
    int before = most.load();
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
    // What belongs to the run's thread is changed there, and this worker waits for it.
    const auto where = on_main(env.main, [&on_this_thread] {
      ++on_this_thread;
      return std::this_thread::get_id();
    });
    --inside;
    return where == main && std::this_thread::get_id() != main;
  };
  const bool right = co_await on_worker(env, std::move(work));
  EXPECT_TRUE(right);
  EXPECT_EQ(std::this_thread::get_id(), main);
}

TEST_F(EnvConcurrent, SlotsBoundWhatWorkersDoAndOnMainComesBack) {
  auto e = env();
  Slots slots(io_.get_executor(), 2);
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  int on_this_thread = 0;
  constexpr int kTasks = 40;
  for (int i = 0; i < kTasks; ++i)
    run(hold_and_work(e, slots, inside, most, on_this_thread, std::this_thread::get_id()));
  io_.run();
  EXPECT_EQ(on_this_thread, kTasks);
  EXPECT_LE(most, 2);
  EXPECT_GE(most, 1);
}

Task<void> nap_long(Env& env, std::atomic<int>& asleep, int& stopped) {
  ++asleep;
  const bool slept = co_await nap(env, std::chrono::hours(1));
  if (!slept) ++stopped;
}

TEST_F(EnvConcurrent, AStopFromAnotherThreadEndsEveryNap) {
  auto e = env();
  std::atomic<int> asleep = 0;
  int stopped = 0;
  for (int i = 0; i < 5; ++i) run(nap_long(e, asleep, stopped));
  std::jthread stopper([&] {
    while (asleep < 5) std::this_thread::yield();
    stop_.request_stop();
  });
  const auto before = std::chrono::steady_clock::now();
  io_.run();
  EXPECT_EQ(stopped, 5);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

Task<void> wait_for_stop(Env& env, std::atomic<int>& started, int& seen) {
  auto work = [stop = env.stop, &started] {
    ++started;
    while (!stop.stop_requested()) std::this_thread::yield();
    return std::string("stopped");
  };
  const auto said = co_await on_worker(env, std::move(work));
  if (said == "stopped") ++seen;
}

TEST_F(EnvConcurrent, AStopReachesBlockingWorkOnWorkers) {
  auto e = env();
  std::atomic<int> started = 0;
  int seen = 0;
  for (int i = 0; i < 4; ++i) run(wait_for_stop(e, started, seen));
  std::jthread stopper([&] {
    while (started < 4) std::this_thread::yield();
    stop_.request_stop();
  });
  io_.run();
  EXPECT_EQ(seen, 4);
}

}  // namespace
}  // namespace mxferry::pipeline
