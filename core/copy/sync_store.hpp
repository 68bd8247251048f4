// SPDX-License-Identifier: Apache-2.0
// SyncStore: the SyncState of one pair of mailboxes in a migration's state file. Finished messages
// lie in extents of at most 4096: varint deltas of both UIDs, flag-set ids of both sides, 16-byte
// fingerprints, and in runs how they came there. A million messages are some 250 rows; a run
// without changes reads none of them. One thread at a time; several stores may share one Db.
//
//   extent.map    = n * (delta src UID, delta dst UID)   varints, the dst delta zigzag
//   extent.flags  = n * (src flag set, dst flag set)     varints
//   extent.digest = n * 16 octets
//   extent.origin = runs of (Origin, count)              varints; NULL: unknown, from schema 1
//   batch.src_uids = n * varint; batch.fingerprints = n * (16 fingerprint, 16 content, varint
//   flags, varint src flags)
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "copy/sync_state.hpp"
#include "store/db.hpp"

namespace mxferry::copy {

class SyncStore final : public SyncState {
 public:
  /// `key` names the pair for good; `src` and `dst` are for people. Inserts the pair when it is
  /// new.
  static Result<SyncStore> open(store::Db& db, const std::string& key, const std::string& src,
                                const std::string& dst);
  /// The pair that is in the file already: by its key, or where that is empty by its destination
  /// (`dst` or `user`). not_found; usage where several pairs have that destination.
  static Result<SyncStore> find(store::Db& db, const std::string& key, const std::string& dst,
                                const std::string& user);

  Result<void> settle() override;
  Result<std::vector<FolderRecord>> folders() override;
  Result<void> put_folder(FolderRecord& folder) override;
  Result<std::map<std::int64_t, FolderSummary>> summaries() override;
  Result<std::uint64_t> count_messages(const FolderRecord& folder) override;
  Result<std::vector<MessageRecord>> messages(const FolderRecord& folder) override;
  Result<std::uint32_t> intern_flags(const FolderRecord& folder, const imap::Flags& flags) override;
  Result<imap::Flags> flags_of(const FolderRecord& folder, std::uint32_t id) override;
  Result<std::vector<Intent>> open_intents(const FolderRecord& folder) override;
  Result<void> put_intent(const FolderRecord& folder, const std::optional<BatchResult>& previous,
                          Intent& intent) override;
  Result<void> renew_intent(std::int64_t id, Instant at) override;
  Result<void> put_result(const FolderRecord& folder, const BatchResult& result) override;
  Result<void> put_messages(const FolderRecord& folder,
                            const std::vector<MessageRecord>& records) override;
  Result<void> begin_epoch(FolderRecord& folder,
                           const std::vector<MessageRecord>& records) override;
  Result<void> remove_messages(const FolderRecord& folder, const std::vector<Uid>& src) override;
  Result<void> forget_messages(const FolderRecord& folder) override;
  Result<std::vector<ExceptionRecord>> exceptions(const FolderRecord& folder) override;
  Result<std::string> left_out_folders() override;
  Result<void> set_left_out_folders(const std::string& text) override;
  Result<bool> undo_is_open() override;
  Result<void> set_undo_open(bool open) override;

 private:
  struct FlagTable {
    std::vector<imap::Flags> sets;
    std::map<std::string, std::uint32_t> ids;  // by text
    bool loaded = false;
  };
  SyncStore(store::Db& db, std::int64_t pair) : db_(&db), pair_(pair) {}
  Result<void> write_folder(FolderRecord& folder);
  Result<FlagTable*> table(std::int64_t folder);
  Result<void> add_records(const FolderRecord& folder, std::vector<MessageRecord> records);
  Result<void> write_extent(const FolderRecord& folder, const std::vector<MessageRecord>& records);
  Result<void> apply(const FolderRecord& folder, const BatchResult& result);

  store::Db* db_;
  std::int64_t pair_;
  std::unordered_map<std::int64_t, FlagTable> flags_;
};

}  // namespace mxferry::copy
