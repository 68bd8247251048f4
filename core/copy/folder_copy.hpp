// SPDX-License-Identifier: Apache-2.0
// FolderCopy: one folder, from a listing to a durable "all that was listed is there". Decisions are
// copy/brain's; this carries them out and records them:
//
//   intent (durable) ─► APPEND ─► result, merged into the next intent's transaction
//
//   answer lost   ─► intent stays open ─► looked up among destination UIDs >= its UIDNEXT, by
//   fingerprint with
//                    multiplicity ─► what is missing waits out append_settle, is looked up again,
//                    then repeated; after a repeat the window is read once more and surplus of ours
//                    is removed
//   NO to a batch ─► the window is read, then the batch is halved until the refused message stands
//   alone
//
// Belongs to one run, on its executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "copy/brain/decisions.hpp"
#include "copy/copy_job.hpp"
#include "copy/look_ahead.hpp"
#include "protocol/mime/fingerprint.hpp"

namespace mxferry::copy {

/// The content of a message that streams: not read before it is sent.
inline constexpr Fingerprint kUnread{};

/// A refusal that is about the account or the moment, not about the message.
bool is_about_account(const Error& error);
imap::Flags keywords_of(const imap::Flags& flags);
/// Octets that servers were seen to alter (docs/architecture/servers.md).
bool is_often_altered(std::string_view body);

/// Where the listing of a folder begins. Everything below the old UIDNEXT was copied in full, is an
/// exception, or was left out by a filter: another filter, or one that goes by flags, may want it
/// now.
Uid first_to_list(const FolderRecord& record, const MessageFilter& filter);
/// The batch that a copy of `listed` begins with; empty where it begins with a stream.
imap::UidSet first_batch(std::vector<MessageInfo> listed, const CopyOptions& options);
/// Batches that take the strictest of the paces about a second.
BatchLimits batch_limits(const Paces& paces);

/// What the lanes and folders of one run share.
struct RunContext {
  CopyJob& job;
  boost::asio::any_io_executor executor;
  CopyReport report{};
  std::uint64_t total = 0;  // estimate of what is to be copied
  bool progressed = false;
  bool halted = false;  // a lane failed: the others end after the batch in hand
  /// Names at the destination that are taken: listed, or meant for a source folder.
  std::set<std::string> names{};
  std::map<std::int64_t, Instant>
      lost_at{};  // folder id -> when an answer was lost in this process

  /// What was written to the state before is on disk when it returns. Lanes that come here at the
  /// same time share one sync.
  Task<Result<void>> durable();

  /// May a batch of so many octets begin? ErrorCode::waiting: not now.
  Result<void> allow(std::uint64_t octets) const;
  /// Waits as the rates ask. Nothing to wait for costs nothing.
  Task<void> keep_pace(std::uint64_t messages, std::uint64_t octets);

  bool ending() const { return halted || job.control->stopped(); }
  void tell(const std::string& folder) const;
  Task<void> sleep(std::chrono::milliseconds how_long);

  struct SyncRound {
    explicit SyncRound(const boost::asio::any_io_executor& executor)
        : done(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer done;
    std::optional<Result<void>> result;
  };
  std::shared_ptr<SyncRound> sync_round{};  // that may still be joined
};

/// A message that came into a folder of the source from another one.
struct ArrivedMove {
  FolderRecord from{};
  MessageRecord record{};  // of `from`
  MessageInfo now{};
};

/// One pair of connections. A folder belongs to one lane from its opening to its end.
struct Lane {
  std::unique_ptr<LookAhead> source{};
  std::unique_ptr<MailTarget> target{};
  /// Called once in each folder's copy, when all that it needs of the source is read.
  std::function<void()> source_is_free{};
  /// The next folder's CREATE, on its way behind the last APPEND of the folder before it.
  std::string creating_name{};
  Started<bool> creating{};
  void close() {
    if (source) source->close();
    if (target) target->close();
  }
};

/// A view of which only a part is copied.
struct PartOfView {
  Uid until{};  // messages from here on came too late to be judged in this run
  /// Leaves of new messages those that are to be copied; the view is open again afterwards.
  /// `complete`: these are all that the view holds.
  std::function<Task<Result<void>>(std::vector<MessageInfo>& fresh, bool complete)> keep{};
};

class FolderCopy {
 public:
  FolderCopy(RunContext& run, Lane& lane, FolderRecord record, FolderReport& report,
             std::vector<FolderRecord> siblings)
      : run_(run),
        lane_(lane),
        record_(std::move(record)),
        report_(report),
        siblings_(std::move(siblings)) {}

  void take_only(PartOfView part) { part_ = std::move(part); }
  /// Copies what is new. `create`: the destination has no such folder yet.
  Task<Result<void>> run(bool create, bool subscribe);
  /// Only what was refused before, within job.options.retry: no listing, no flags, no watermark.
  Task<Result<void>> retry();
  /// Moves what came from other folders of the source, where it is ours and unchanged; the rest of
  /// it is left for run(). Writes no watermark.
  Task<Result<void>> take_moves(bool create, bool subscribe, std::vector<ArrivedMove> moved);
  /// Only counts what would be copied.
  Task<Result<void>> dry_run();

 private:
  Task<Result<void>> open(bool create, bool subscribe);
  Task<Result<FolderState>> open_destination(bool create, bool subscribe);
  Task<Result<void>> create_destination();
  Result<void> load();
  Task<Result<void>> rematch();
  Task<Result<std::vector<MessageInfo>>> list_new();
  Task<Result<void>> take_from(std::vector<ArrivedMove> group);
  Task<Result<void>> move_one(const FolderRecord& from, const MessageRecord& record,
                              const MessageInfo& now);
  /// Takes out what the run is asked to leave out; how many that were.
  std::uint64_t leave_out(std::vector<MessageInfo>& fresh) const;
  Task<Result<void>> merge_known_flags(Uid below);
  Result<void> plan_flag_change(const MessageInfo& info);
  Task<Result<void>> apply_flag_changes();
  Task<Result<void>> adopt(std::vector<MessageInfo>& fresh);
  Task<Result<void>> copy(std::vector<MessageInfo> fresh);
  Task<Result<void>> copy_batches(const std::vector<MessageInfo>& fresh,
                                  const std::vector<Batch>& batches,
                                  std::vector<MessageInfo>& larger);
  /// When the paces allow it. `last`: the source is free behind it.
  Task<Result<std::vector<WholeMessage>>> fetch_batch(imap::UidSet uids, std::uint64_t octets,
                                                      bool last);
  void source_is_free();
  Task<Result<void>> copy_whole(std::vector<WholeMessage> messages,
                                std::vector<MessageInfo>& larger);
  Task<Result<void>> copy_streamed(MessageInfo info, bool without_keywords = false);
  /// What was listed and is neither stored nor refused: gone meanwhile, or the source keeps it
  /// back.
  Task<Result<void>> account_for(const std::vector<MessageInfo>& fresh);
  Task<Result<void>> resolve_open_intents();
  Task<Result<void>> resolve(Intent intent);
  Task<Result<void>> remove_surplus(const Intent& intent, std::vector<IntentMessage> repeated);

  /// Sends messages under `intent`; adds what was stored and refused to `result`.
  Task<Result<void>> append_under(const Intent& intent, std::vector<IntentMessage> metas,
                                  std::vector<OutgoingMessage> bodies, BatchResult& result);
  Task<Result<void>> append_halved(const Intent& intent, std::vector<IntentMessage> metas,
                                   Error why, BatchResult& result);
  Task<Result<void>> append_without_keywords(const Intent& intent, IntentMessage message, Error why,
                                             BatchResult& result);
  /// Changes flags; what the server refuses of them.
  Task<Result<imap::Flags>> store_accepted(imap::UidSet uids, imap::Flags add, imap::Flags remove);
  void note_dropped(const std::string& flag);
  /// Messages at the destination from `first` on that nobody owns.
  Task<Result<std::vector<Candidate>>> window(Uid first);
  Task<Result<void>> bind_by_lookup(const Intent& intent, std::vector<IntentMessage>& wanted,
                                    BatchResult& result);

  Result<IntentMessage> describe(const MessageInfo& info, const Fingerprint& print,
                                 const Fingerprint& content);
  Result<void> bind(const IntentMessage& message, Uid dst, BatchResult& result);
  void refuse(const IntentMessage& message, const Error& why, BatchResult& result);
  void except(ExceptionRecord exception, BatchResult& result);
  /// What the source gives otherwise than it has it: listed once the message has its place.
  void note_source_altered(Uid src, const char* code, const std::string& words);
  /// Reads back what was stored of `odd` (source UID -> digest of what was sent), and lists what
  /// the destination altered.
  Task<Result<void>> read_back(const std::map<std::uint32_t, mime::Digest>& odd,
                               BatchResult& result);
  /// Durable when it returns.
  Task<Result<void>> write_intent(Intent& intent);
  Result<void> flush();
  void note_counts(const BatchResult& result);
  Unexpected<Error> lost(Error error);
  Instant now() const { return run_.job.clock->now(); }
  SyncState& state() { return *run_.job.state; }

  RunContext& run_;
  Lane& lane_;
  FolderRecord record_;
  FolderReport& report_;
  std::vector<FolderRecord> siblings_;  // other records with the same destination folder
  std::optional<PartOfView> part_{};
  FolderState before_;         // the source's, from EXAMINE
  bool listed_short_ = false;  // the source counts more messages than it lists
  FolderState dst_;
  bool from_the_start_ = false;         // this pass lists the source's folder as a whole
  std::uint64_t left_out_ = 0;          // messages of this listing that the filter leaves out
  Uid dst_next_{1};                     // what we append gets at least this UID
  std::vector<MessageRecord> records_;  // as loaded; lookups by src through known_
  std::unordered_map<std::uint32_t, std::size_t> known_;  // src UID -> index in records_
  std::unordered_set<std::uint32_t> bound_;               // dst UIDs that records own
  std::unordered_set<std::uint32_t> excepted_;            // src UIDs that this pass could not place
  std::map<std::uint32_t, ExceptionRecord> source_altered_;  // by src UID; not placed yet
  std::optional<BatchResult> previous_;  // not durable yet: goes with the next intent
  std::map<std::pair<std::string, std::string>, std::vector<std::size_t>>
      flag_changes_;  // (add, remove) -> records
  std::vector<MessageRecord> flags_seen_;
  imap::Flags refused_flags_;  // by the destination's words, though PERMANENTFLAGS has them
};

}  // namespace mxferry::copy
