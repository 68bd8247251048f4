// SPDX-License-Identifier: Apache-2.0
// What a copy is asked to do and what it says it did. Used by the sync command and by the pipeline,
// for bulk, deltas and stragglers alike: each run copies what is new on the source since the last
// one. Plain values, except CopyControl, whose stop() may be called from the executor's thread at
// any time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "copy/brain/map_rules.hpp"
#include "copy/pace.hpp"
#include "copy/sync_state.hpp"
#include "model/copy_filter.hpp"
#include "ports/mail_target.hpp"

namespace mxferry::copy {

struct Progress {
  std::string account;      // the job's name
  std::string folder;       // of the source, UTF-8
  std::uint64_t done = 0;   // messages copied or adopted in this run
  std::uint64_t total = 0;  // messages that are to be copied, as far as is known
  std::uint64_t bytes = 0;
};

/// What to do with mail at the destination that has the same headers and other bytes.
enum class AlteredPolicy { ask, adopt, copy };

/// Of what an earlier run could not place, the part that is to be tried again.
struct RetryScope {
  FolderFilter folders{};  // of the source
  imap::UidSet uids{};     // empty: all
};

/// What is gone from the source goes into a folder of its own at the destination, where it is ours
/// and unchanged; nothing is deleted. More than `most` at once: nothing is moved, and it is told.
struct Quarantine {
  std::string folder{};  // UTF-8, parts joined by '/'
  std::uint64_t most = 100;
};

struct CopyOptions {
  /// Wall time that an append whose answer was lost gets before it is repeated. Never scaled.
  std::chrono::milliseconds append_settle = std::chrono::seconds(10);
  /// Lost connections in a row, without progress between, before the run gives up.
  unsigned attempts = 5;
  std::chrono::milliseconds backoff = std::chrono::seconds(1);  // doubles each time
  std::chrono::milliseconds longest_backoff = std::chrono::seconds(60);
  /// Pairs of connections that copy folders side by side. 0: by the servers' round trip
  /// (lanes_for), and never more than the work is worth.
  unsigned lanes = 0;
  bool dry_run = false;
  /// The operator knows that more than half of the known messages are gone from the source.
  bool accept_gone = false;
  /// Nothing is copied where the destination's quota does not leave room for all of it (QU-01).
  bool check_room = false;
  AlteredPolicy altered = AlteredPolicy::ask;
  /// What is left out of this run. A later run that leaves out less copies the rest.
  MessageFilter messages{};
  FolderFilter folders{};
  /// In each folder the newest mail is copied first; UIDs at the destination then fall with age.
  bool newest_first = false;
  /// Where folders go that must not go where their name or role would have them.
  MapRules map{};
  /// Mail that was moved at the source is moved at the destination, where it is ours and unchanged.
  bool follow_moves = true;
  std::optional<Quarantine> quarantine{};
  /// Only this is done: nothing new is listed, no flags are followed.
  std::optional<RetryScope> retry{};
  std::function<void(const Progress&)> progress{};
  /// The flip, or somebody's mail, waits for this run: windows and budgets of a day do not hold it.
  bool urgent = false;
  /// The run waits until its paces allow more, and says so here before it does. Without it the run
  /// ends with ErrorCode::waiting and retry_after.
  std::function<void(const Error&)> on_wait{};
};

/// Shared by the runner and whoever may want it to stop.
class CopyControl {
 public:
  using Waker = std::list<std::function<void()>>::iterator;
  /// The run ends with ErrorCode::cancelled after the batch in hand.
  void stop() {
    stopped_ = true;
    wake();
  }
  bool stopped() const { return stopped_; }
  /// Ends the waits of the run at once; each wait adds its own waker and takes it away again.
  void wake() {
    for (const auto& waker : wakers_) waker();
  }
  Waker add_waker(std::function<void()> waker) {
    return wakers_.insert(wakers_.end(), std::move(waker));
  }
  void remove_waker(Waker waker) { wakers_.erase(waker); }
  /// Closes connections; set by the runner.
  std::function<void()> on_abort{};
  void abort() {
    stop();
    if (on_abort) on_abort();
  }

 private:
  std::atomic<bool> stopped_ = false;
  std::list<std::function<void()>> wakers_;
};

using OpenSource = std::function<Task<Result<std::unique_ptr<MailSource>>>()>;
using OpenTarget = std::function<Task<Result<std::unique_ptr<MailTarget>>>()>;

struct CopyJob {
  std::string name{};  // the account, for progress and errors
  OpenSource open_source{};
  OpenTarget open_target{};
  SyncState* state = nullptr;  // of this pair; outlives the run
  const Clock* clock = nullptr;
  Paces paces{};  // that hold this account: its own, its hosts'
  CopyOptions options{};
  std::shared_ptr<CopyControl> control = std::make_shared<CopyControl>();
};

struct Exception {
  std::string folder;  // of the source, UTF-8
  Uid src{};
  std::string kind;  // refused, altered (by the destination), altered_by_source
  std::string code;
  std::string words;
};

struct FolderReport {
  std::string source;       // UTF-8
  std::string destination;  // UTF-8
  std::string skipped{};    // why it is not copied
  std::string stopped{};    // a safety rule: why a person must look
  std::string failed{};     // the destination or source refused the folder itself
  bool unchanged = false;
  std::uint64_t copied = 0;
  std::uint64_t adopted = 0;
  std::uint64_t flags_changed = 0;
  std::uint64_t refused = 0;
  std::uint64_t altered = 0;            // copied, and the destination gives back other octets
  std::uint64_t altered_by_source = 0;  // copied as the source gives it, which is not as it has it
  std::uint64_t known = 0;              // all that have a place at the destination
  std::uint64_t filtered = 0;           // left out because the run was asked to
  std::uint64_t moved = 0;              // here from another folder, as at the source
  std::uint64_t quarantined = 0;        // gone from the source, and put aside at the destination
  std::uint64_t gone = 0;               // known, and no longer at the source; nothing is removed
  std::uint64_t surplus = 0;            // doubles of ours that could not be removed
  std::uint64_t bytes = 0;
  std::vector<std::string> dropped_flags{};  // that the destination does not keep
  FolderState src{};                         // watermarks: what the source said before the listing
};

/// What became of one message that was tried again.
struct Retried {
  enum class Outcome { copied, refused, gone } outcome = Outcome::refused;
  std::string folder{};  // of the source, UTF-8
  Uid src{};
  std::string words{};  // of the refusal: the new one, or where it is placed or gone the old one
};

struct CopyReport {
  std::vector<FolderReport> folders{};
  std::vector<Exception> exceptions{};
  std::vector<Retried> retried{};
  std::uint64_t copied = 0;
  std::uint64_t adopted = 0;
  std::uint64_t flags_changed = 0;
  std::uint64_t refused = 0;
  std::uint64_t altered = 0;
  std::uint64_t altered_by_source = 0;
  std::uint64_t known = 0;
  std::uint64_t gone = 0;
  std::uint64_t filtered = 0;
  std::uint64_t moved = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t bytes = 0;
  std::uint64_t to_copy = 0;  // dry run: what would be copied
  unsigned reconnects = 0;
  bool stopped() const {
    for (const auto& folder : folders)
      if (!folder.stopped.empty()) return true;
    return false;
  }
  /// Something that a person should know: a refused or altered message, a folder that failed, a
  /// double that stayed.
  bool has_findings() const {
    for (const auto& folder : folders)
      if (!folder.failed.empty() || folder.surplus > 0) return true;
    return refused > 0 || altered > 0 || altered_by_source > 0;
  }
};

/// Copies what is new. Errors: auth, denied, tls (never repeated), network and timeout (after
/// retries), quota, rate_limited (with retry_after, when the server asks for more patience than a
/// run has), gate, cancelled, store.
Task<Result<CopyReport>> run_copy(CopyJob& job);

struct VerifyFinding {
  std::string folder;
  Uid src{};
  std::string kind;  // missing, refused, altered, altered_by_source, date, flags
  std::string detail;
};

struct VerifyReport {
  std::uint64_t checked = 0;
  std::uint64_t equal = 0;
  std::uint64_t pending = 0;  // arrived at the source after the verify began
  std::uint64_t changed_at_destination =
      0;                       // flags that the destination's user changed: not a finding
  std::uint64_t refused = 0;   // known exceptions: listed by the copy, not found again here
  std::uint64_t filtered = 0;  // left out because the copy was asked to: not a finding
  std::uint64_t bytes = 0;
  std::vector<VerifyFinding> findings{};
};

/// Compares source and destination: SHA-256 of every message's octets, date and flags. Writes
/// nothing anywhere.
Task<Result<VerifyReport>> run_verify(CopyJob& job);

}  // namespace mxferry::copy
