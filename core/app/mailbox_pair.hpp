// SPDX-License-Identifier: Apache-2.0
// What `sync`, `verify`, `retry` and `undo` share: the two accounts, the state file, signals, the
// progress line, the run on an io_context. Main thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/pair_options.hpp"
#include "copy/copy_job.hpp"
#include "copy/state_pace_book.hpp"
#include "imap/account.hpp"
#include "store/state_file.hpp"

namespace mxferry::app {

/// Two opened ends, their state, a copy job that is ready to run.
class MailboxPair {
 public:
  static Result<std::unique_ptr<MailboxPair>> open(const PairOptions& options);
  /// The destination alone, with a state that is there: the source may be left out where the state
  /// knows only one pair with that destination. Its job has no open_source.
  static Result<std::unique_ptr<MailboxPair>> open_dest(const PairOptions& options);

  copy::CopyJob& job() { return job_; }
  const std::string& source_name() const { return source_name_; }
  const std::string& dest_name() const { return dest_name_; }

  /// The destination, read-only: to look at, not to write to.
  const copy::OpenSource& look_at_dest() const { return look_at_dest_; }

  /// As run(), for work that is no copy job.
  void run_work(const std::function<Task<void>()>& work) { run_until_done(work); }

  /// Runs `work` with SIGINT and SIGTERM ending it (within 5 s) and a progress line on a terminal.
  template <class Report>
  Result<Report> run(const std::function<Task<Result<Report>>(copy::CopyJob&)>& work) {
    std::optional<Result<Report>> out;
    run_until_done([&]() -> Task<void> { return store_result<Report>(work, job_, out); });
    if (!out) return fail(ErrorCode::cancelled, "mxferry", "stopped; the same command goes on");
    return std::move(*out);
  }

 private:
  template <class Report>
  static Task<void> store_result(std::function<Task<Result<Report>>(copy::CopyJob&)> work,
                                 copy::CopyJob& job, std::optional<Result<Report>>& out) {
    auto result = co_await work(job);
    out.emplace(std::move(result));
  }
  Result<void> remember_tls(imap::ImapAccount& account);
  void finish_job();
  void run_until_done(const std::function<Task<void>()>& work);

  std::unique_ptr<store::StateFile> file_;
  std::unique_ptr<copy::SyncState> state_;
  std::unique_ptr<copy::StatePaceBook> pace_book_;
  SystemClock clock_;
  copy::CopyJob job_;
  copy::OpenSource look_at_dest_;
  std::string source_name_, dest_name_;
};

/// For commands that go on with what an earlier one did: not_found where there is no such file.
Result<void> check_state(const std::string& file);
/// What of the refused messages is meant: --folder and --uid.
Result<copy::RetryScope> retry_scope(const PairOptions& options);

}  // namespace mxferry::app
