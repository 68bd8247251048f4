// SPDX-License-Identifier: Apache-2.0
// MemoryState: a SyncState that lives as long as its object. For tests and for a copy that need not
// survive its process.
#pragma once

#include <map>

#include "copy/sync_state.hpp"

namespace mxferry::copy {

class MemoryState final : public SyncState {
 public:
  Result<void> settle() override { return {}; }
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
  Result<std::string> left_out_folders() override { return left_out_; }
  Result<void> set_left_out_folders(const std::string& text) override {
    left_out_ = text;
    return {};
  }
  Result<bool> undo_is_open() override { return undo_open_; }
  Result<void> set_undo_open(bool open) override {
    undo_open_ = open;
    return {};
  }

 private:
  struct Contents {
    FolderRecord record;
    std::map<Uid, MessageRecord> messages;
    std::map<Uid, ExceptionRecord> exceptions;
    std::map<std::int64_t, Intent> intents;
  };
  std::map<std::int64_t, Contents> folders_;
  std::vector<imap::Flags> flag_sets_;
  std::int64_t next_id_ = 1;
  std::string left_out_;
  bool undo_open_ = false;
};

}  // namespace mxferry::copy
