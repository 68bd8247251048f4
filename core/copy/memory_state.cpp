// SPDX-License-Identifier: Apache-2.0
#include "copy/memory_state.hpp"

#include <algorithm>

namespace mxferry::copy {

Result<std::vector<FolderRecord>> MemoryState::folders() {
  std::vector<FolderRecord> out;
  for (const auto& [id, contents] : folders_) out.push_back(contents.record);
  return out;
}

Result<void> MemoryState::put_folder(FolderRecord& folder) {
  if (folder.id == 0) folder.id = next_id_++;
  folders_[folder.id].record = folder;
  return {};
}

Result<std::map<std::int64_t, FolderSummary>> MemoryState::summaries() {
  std::map<std::int64_t, FolderSummary> out;
  for (const auto& [id, contents] : folders_) {
    auto& summary = out[id];
    summary.messages = contents.messages.size();
    summary.open_intents = !contents.intents.empty();
    summary.refused = std::any_of(contents.exceptions.begin(), contents.exceptions.end(),
                                  [](const auto& e) { return e.second.kind == "refused"; });
  }
  return out;
}

Result<std::uint64_t> MemoryState::count_messages(const FolderRecord& folder) {
  return std::uint64_t{folders_[folder.id].messages.size()};
}

Result<std::vector<MessageRecord>> MemoryState::messages(const FolderRecord& folder) {
  std::vector<MessageRecord> out;
  for (const auto& [uid, record] : folders_[folder.id].messages) out.push_back(record);
  return out;
}

Result<std::uint32_t> MemoryState::intern_flags(const FolderRecord&, const imap::Flags& flags) {
  const auto it = std::find(flag_sets_.begin(), flag_sets_.end(), flags);
  if (it != flag_sets_.end()) return static_cast<std::uint32_t>(it - flag_sets_.begin());
  flag_sets_.push_back(flags);
  return static_cast<std::uint32_t>(flag_sets_.size() - 1);
}

Result<imap::Flags> MemoryState::flags_of(const FolderRecord&, std::uint32_t id) {
  if (id >= flag_sets_.size()) return fail(ErrorCode::store, "flags", "no such flag set");
  return flag_sets_[id];
}

Result<std::vector<Intent>> MemoryState::open_intents(const FolderRecord& folder) {
  std::vector<Intent> out;
  for (const auto& [id, intent] : folders_[folder.id].intents) out.push_back(intent);
  return out;
}

Result<void> MemoryState::put_intent(const FolderRecord& folder,
                                     const std::optional<BatchResult>& previous, Intent& intent) {
  if (previous) MXF_CHECK(put_result(folder, *previous));
  intent.id = next_id_++;
  folders_[folder.id].intents[intent.id] = intent;
  return {};
}

Result<void> MemoryState::renew_intent(std::int64_t id, Instant at) {
  for (auto& [folder, contents] : folders_)
    if (const auto it = contents.intents.find(id); it != contents.intents.end()) it->second.at = at;
  return {};
}

Result<void> MemoryState::put_result(const FolderRecord& folder, const BatchResult& result) {
  auto& contents = folders_[folder.id];
  for (const auto& record : result.stored) {
    contents.messages[record.src] = record;
    contents.exceptions.erase(record.src);
  }
  for (const auto& exception : result.exceptions) contents.exceptions[exception.src] = exception;
  contents.intents.erase(result.intent);
  return {};
}

Result<void> MemoryState::put_messages(const FolderRecord& folder,
                                       const std::vector<MessageRecord>& records) {
  BatchResult result;
  result.stored = records;
  return put_result(folder, result);
}

Result<void> MemoryState::begin_epoch(FolderRecord& folder,
                                      const std::vector<MessageRecord>& records) {
  auto& contents = folders_[folder.id];
  contents.messages.clear();
  contents.exceptions.clear();
  MXF_CHECK(put_folder(folder));
  return put_messages(folder, records);
}

Result<void> MemoryState::remove_messages(const FolderRecord& folder, const std::vector<Uid>& src) {
  for (const auto uid : src) folders_[folder.id].messages.erase(uid);
  return {};
}

Result<void> MemoryState::forget_messages(const FolderRecord& folder) {
  folders_[folder.id].messages.clear();
  return {};
}

Result<std::vector<ExceptionRecord>> MemoryState::exceptions(const FolderRecord& folder) {
  std::vector<ExceptionRecord> out;
  for (const auto& [uid, exception] : folders_[folder.id].exceptions) out.push_back(exception);
  return out;
}

}  // namespace mxferry::copy
