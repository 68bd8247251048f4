// SPDX-License-Identifier: Apache-2.0
// SyncState: what a copy must remember of one pair of mailboxes: folders, where each message went,
// batches whose answer is still open, what was refused. Every write is one transaction. New
// epochs are durable when the call returns; everything else is with the next of those, or with
// settle(): an intent must be before anything is sent under it (RunContext::durable), while what
// the servers hold anyway (results, folders, flags) would be found again.
// Implementations: SyncStore on the state file, MemoryState for tests. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "model/mail.hpp"

namespace mxferry::copy {

using mime::Fingerprint;

struct FolderRecord {
  std::int64_t id = 0;  // 0: not stored yet
  std::string src_name{};
  std::string dst_name{};
  SpecialUse use = SpecialUse::none;
  std::uint32_t epoch = 1;  // counts lives of the source's UIDs
  /// As the servers said before the listing that was copied in full; empty until then.
  FolderState src{};
  FolderState dst{};
  /// Messages at the destination below this UID were there before us: candidates for adoption.
  std::optional<Uid> adopt_below{};
  bool created = false;  // the destination's folder is our CREATE
  /// What the listing behind `src` left out, as MessageFilter::text(); empty: nothing.
  std::string left_out{};
};

/// How a message came to its place at the destination. Only what we appended is ours to move or
/// remove.
enum class Origin : std::uint8_t {
  appended,
  adopted,   // it was there before us
  unknown,   // recorded by a version that did not keep it
  removing,  // appended, and an undo is about to expunge it, or has
};

struct MessageRecord {
  Uid src{};
  Uid dst{};
  std::uint32_t src_flags = 0;  // flag sets as last seen, by id
  std::uint32_t dst_flags = 0;
  Fingerprint fingerprint{};
  Origin origin = Origin::appended;
};

struct IntentMessage {
  Uid src{};
  Fingerprint fingerprint{};
  Fingerprint content{};  // of every octet; zeros where it was not read before
  imap::Flags flags{};    // as sent
  imap::Flags src_flags{};
};

/// A batch that was about to be appended.
struct Intent {
  std::int64_t id = 0;
  Instant at{};
  std::optional<UidValidity> dst_uid_validity{};
  Uid dst_uid_next{};  // what is ours has at least this UID
  std::vector<IntentMessage> messages{};
};

struct ExceptionRecord {
  Uid src{};
  std::string kind{};  // refused, altered, altered_by_source
  std::string code{};
  std::string words{};  // the server's
  std::uint32_t tries = 1;
};

/// What became of an intent: it is closed with this.
struct BatchResult {
  std::int64_t intent = 0;
  std::vector<MessageRecord> stored{};
  std::vector<ExceptionRecord> exceptions{};
};

/// What is known of a folder without reading its messages.
struct FolderSummary {
  std::uint64_t messages = 0;  // recorded, of the folder's epoch
  bool open_intents = false;
  bool refused = false;  // some message, and not copied since
};

class SyncState {
 public:
  virtual ~SyncState() = default;

  /// All that was written is durable when it returns.
  virtual Result<void> settle() = 0;

  virtual Result<std::vector<FolderRecord>> folders() = 0;
  /// Inserts (and sets id) or updates.
  virtual Result<void> put_folder(FolderRecord& folder) = 0;
  /// By the folder's id; a folder of which nothing is recorded may lack.
  virtual Result<std::map<std::int64_t, FolderSummary>> summaries() = 0;
  /// How many messages of the folder's epoch are recorded, without reading them.
  virtual Result<std::uint64_t> count_messages(const FolderRecord& folder) = 0;
  /// Ascending by source UID.
  virtual Result<std::vector<MessageRecord>> messages(const FolderRecord& folder) = 0;
  virtual Result<std::uint32_t> intern_flags(const FolderRecord& folder,
                                             const imap::Flags& flags) = 0;
  virtual Result<imap::Flags> flags_of(const FolderRecord& folder, std::uint32_t id) = 0;

  virtual Result<std::vector<Intent>> open_intents(const FolderRecord& folder) = 0;
  /// One transaction: the result of the batch before (if any) and the new intent; sets its id.
  /// Durable with settle(): to be awaited before anything is sent under it.
  virtual Result<void> put_intent(const FolderRecord& folder,
                                  const std::optional<BatchResult>& previous, Intent& intent) = 0;
  /// The intent is about to be repeated: its time is now.
  virtual Result<void> renew_intent(std::int64_t id, Instant at) = 0;
  virtual Result<void> put_result(const FolderRecord& folder, const BatchResult& result) = 0;

  /// Adds or replaces records without an intent: adopted messages, changed flags.
  virtual Result<void> put_messages(const FolderRecord& folder,
                                    const std::vector<MessageRecord>& records) = 0;
  /// A new life of the source's UIDs: `folder.epoch` is already the new one and these are all its
  /// records.
  virtual Result<void> begin_epoch(FolderRecord& folder,
                                   const std::vector<MessageRecord>& records) = 0;
  /// Takes the records of these source UIDs away: an undo has removed what they name.
  virtual Result<void> remove_messages(const FolderRecord& folder, const std::vector<Uid>& src) = 0;
  /// Records whose destination is no more: they will be matched or copied again.
  virtual Result<void> forget_messages(const FolderRecord& folder) = 0;

  virtual Result<std::vector<ExceptionRecord>> exceptions(const FolderRecord& folder) = 0;

  /// The folders that the last copy was asked for, as FolderFilter::text().
  virtual Result<std::string> left_out_folders() = 0;
  virtual Result<void> set_left_out_folders(const std::string& text) = 0;

  /// An undo was begun and has not come to its end. Durable when set.
  virtual Result<bool> undo_is_open() = 0;
  virtual Result<void> set_undo_open(bool open) = 0;
};

}  // namespace mxferry::copy
