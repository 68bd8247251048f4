// SPDX-License-Identifier: Apache-2.0
// What `sync`, `verify`, `retry` and `undo` share: their options, the two accounts, the state file,
// signals, the progress line, the run on an io_context. Main thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "copy/copy_job.hpp"
#include "imap/account.hpp"
#include "store/state_file.hpp"

namespace mxferry::app {

struct PairOptions {
  std::string source, dest;                // URLs, or maildir:PATH
  std::string source_secret, dest_secret;  // references
  std::string state;
  std::string source_provider, dest_provider;
  std::string ca_file;
  std::string source_pin, dest_pin;
  std::vector<std::string> allow_plaintext;  // HOST:PORT
  unsigned timeout = 60;                     // seconds without movement
  bool json = false;
  bool dry_run = false;
  bool yes = false;
  bool no_input = false;
  bool folders = false;                             // undo: folders that the copy made go too
  std::vector<std::string> folder, exclude_folder;  // globs
  std::string uids;                                 // retry
  std::string since, before, min_size, max_size;
  std::vector<std::string> with_flag, without_flag;
  bool skip_deleted = false;
  bool unseen = false;
  bool newest_first = false;
  std::string map;  // a file of rules
  std::string quarantine;
  std::uint64_t quarantine_cap = 100;
  bool state_must_exist = false;
  bool accept_gone = false;
  bool adopt_altered = false;
  bool copy_altered = false;
  std::uint64_t sample = 0;  // verify: so many messages for a person to look at; 0: all by digest
  std::optional<std::uint64_t> seed{};
  bool subjects = false;
  bool check = false;      // backup: its manifests against its files
  bool read_only = false;  // nothing is written at the destination
};

/// Reads the options; nothing when help was asked for and printed. `command` is "sync", "verify",
/// "backup", "retry" or "undo".
Result<std::optional<PairOptions>> parse_pair_options(const std::string& command,
                                                      std::span<const std::string> args);

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
  SystemClock clock_;
  copy::CopyJob job_;
  copy::OpenSource look_at_dest_;
  std::string source_name_, dest_name_;
};

}  // namespace mxferry::app
