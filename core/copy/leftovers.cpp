// SPDX-License-Identifier: Apache-2.0
#include "copy/leftovers.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "copy/brain/folder_map.hpp"
#include "copy/messages_io.hpp"

namespace mxferry::copy {
namespace {

// A message of another folder.
struct Place {
  Fingerprint fingerprint{};
  std::size_t folder = 0;  // index into the source's folders
  Uid uid{};
  bool operator<(const Place& other) const {
    return std::tie(fingerprint, folder, uid) <
           std::tie(other.fingerprint, other.folder, other.uid);
  }
};

// Where equal fingerprints are not told apart by number, these tell.
using Looks = std::tuple<Fingerprint, std::uint64_t, std::optional<Instant>>;

Looks looks_of(const Fingerprint& fingerprint, const MessageInfo& info) {
  return {fingerprint, info.size,
          info.date ? std::optional<Instant>(info.date->instant) : std::nullopt};
}

class Leftovers {
 public:
  Leftovers(MailSource& source, SyncState& state, const FolderInfo& view,
            const std::vector<FolderInfo>& folders, const std::set<std::string>& left_out)
      : source_(source), state_(state), view_(view), folders_(folders), left_out_(left_out) {}

  Task<Result<void>> keep(std::vector<MessageInfo>& listed, bool complete);

 private:
  Task<Result<void>> find_places();
  /// `only`: these UIDs; empty: all.
  Task<Result<void>> read_folder(std::size_t folder, std::vector<Uid> only);
  /// How many of the folder that holds the most have this fingerprint.
  std::size_t most_in_one(const Fingerprint& fingerprint) const;
  /// What the places with these fingerprints look like: how many of the folder that holds the most.
  Task<Result<std::map<Looks, std::size_t>>> look_at(const std::set<Fingerprint>& wanted);
  std::pair<std::vector<Place>::const_iterator, std::vector<Place>::const_iterator> with(
      const Fingerprint& fingerprint) const;

  MailSource& source_;
  SyncState& state_;
  const FolderInfo& view_;
  const std::vector<FolderInfo>& folders_;
  const std::set<std::string>& left_out_;
  std::vector<Place> places_;  // sorted
};

// A folder that went away, or is not opened, explains nothing of the view: what it may hold counts
// as a leftover then, and is copied.
bool is_gone(const Error& error) {
  return error.code == ErrorCode::not_found ||
         (error.code == ErrorCode::refused && error.retry == Retry::never);
}

Task<Result<void>> Leftovers::read_folder(std::size_t folder, std::vector<Uid> only) {
  auto opened = co_await source_.open_folder(folders_[folder].wire);
  if (!opened && is_gone(opened.error())) co_return Result<void>();
  if (!opened) co_return fail(std::move(opened).error());
  imap::UidSet uids;
  for (const auto uid : only) uids.add(uid);
  if (only.empty()) {
    const Uid last = opened->uid_next ? Uid(opened->uid_next->value - 1) : kLastUid;
    auto listed = co_await list_range(source_, Uid(1), last);
    if (!listed) co_return fail(std::move(listed).error());
    for (const auto& info : *listed) uids.add(info.uid);
  }
  if (uids.empty()) co_return Result<void>();
  auto prints = co_await fingerprints(source_, std::move(uids));
  if (!prints) co_return fail(std::move(prints).error());
  for (const auto& print : *prints) places_.push_back(Place{print.fingerprint, folder, print.uid});
  co_return Result<void>();
}

Task<Result<void>> Leftovers::find_places() {
  MXF_CO_TRY(records, state_.folders());
  std::map<std::string_view, const FolderRecord*> record_of;
  for (const auto& record : records) record_of.try_emplace(record.src_name, &record);
  for (std::size_t i = 0; i < folders_.size(); ++i) {
    const auto& folder = folders_[i];
    if (!folder.selectable || is_view(folder.use) || folder.wire == view_.wire) continue;
    const auto known = record_of.find(folder.wire);
    if (known == record_of.end() || left_out_.contains(folder.wire)) {
      if (folder.state && folder.state->messages == std::optional<std::uint64_t>(0)) continue;
      std::vector<Uid> all;
      auto read = co_await read_folder(i, std::move(all));
      if (!read) co_return read;
      continue;
    }
    const auto& record = *known->second;
    MXF_CO_TRY(messages, state_.messages(record));
    for (const auto& message : messages)
      places_.push_back(Place{message.fingerprint, i, message.src});
    // What could not be placed lies there all the same.
    MXF_CO_TRY(exceptions, state_.exceptions(record));
    std::vector<Uid> refused;
    for (const auto& exception : exceptions)
      if (exception.kind == "refused") refused.push_back(exception.src);
    if (refused.empty()) continue;
    auto read = co_await read_folder(i, std::move(refused));
    if (!read) co_return read;
  }
  std::sort(places_.begin(), places_.end());
  co_return Result<void>();
}

std::pair<std::vector<Place>::const_iterator, std::vector<Place>::const_iterator> Leftovers::with(
    const Fingerprint& fingerprint) const {
  const auto first = std::lower_bound(
      places_.begin(), places_.end(), fingerprint,
      [](const Place& place, const Fingerprint& print) { return place.fingerprint < print; });
  auto last = first;
  while (last != places_.end() && last->fingerprint == fingerprint) ++last;
  return {first, last};
}

std::size_t Leftovers::most_in_one(const Fingerprint& fingerprint) const {
  const auto [first, last] = with(fingerprint);
  std::size_t most = 0;
  std::size_t run = 0;
  for (auto it = first; it != last; ++it) {
    run = it != first && std::prev(it)->folder == it->folder ? run + 1 : 1;
    most = std::max(most, run);
  }
  return most;
}

Task<Result<std::map<Looks, std::size_t>>> Leftovers::look_at(const std::set<Fingerprint>& wanted) {
  std::map<std::size_t, std::map<std::uint32_t, Fingerprint>> by_folder;
  for (const auto& fingerprint : wanted) {
    const auto [first, last] = with(fingerprint);
    for (auto it = first; it != last; ++it) by_folder[it->folder][it->uid.value] = fingerprint;
  }
  std::map<Looks, std::size_t> most;
  for (const auto& [folder, messages] : by_folder) {
    auto opened = co_await source_.open_folder(folders_[folder].wire);
    if (!opened && is_gone(opened.error())) continue;
    if (!opened) co_return fail(std::move(opened).error());
    const Uid first(messages.begin()->first);
    const Uid last(messages.rbegin()->first);
    auto listed = co_await list_range(source_, first, last);
    if (!listed) co_return fail(std::move(listed).error());
    std::map<Looks, std::size_t> here;
    for (const auto& info : *listed)
      if (const auto it = messages.find(info.uid.value); it != messages.end())
        ++here[looks_of(it->second, info)];
    for (const auto& [looks, count] : here) {
      auto& so_far = most[looks];
      so_far = std::max(so_far, count);
    }
  }
  co_return most;
}

Task<Result<void>> Leftovers::keep(std::vector<MessageInfo>& listed, bool complete) {
  if (listed.empty()) co_return Result<void>();
  imap::UidSet uids;
  for (const auto& info : listed) uids.add(info.uid);
  auto prints = co_await fingerprints(source_, std::move(uids));
  if (!prints) co_return fail(std::move(prints).error());
  std::unordered_map<std::uint32_t, Fingerprint> print_of;
  std::map<Fingerprint, std::size_t> in_view;
  for (const auto& print : *prints) {
    print_of[print.uid.value] = print.fingerprint;
    ++in_view[print.fingerprint];
  }
  auto found = co_await find_places();
  if (!found) co_return found;
  std::set<Fingerprint> doubtful;
  std::set<Fingerprint> elsewhere;
  for (const auto& [fingerprint, count] : in_view) {
    const auto there = most_in_one(fingerprint);
    if (there == 0) continue;
    (complete && count <= there ? elsewhere : doubtful).insert(fingerprint);
  }
  std::map<Looks, std::size_t> look_alikes;
  if (!doubtful.empty()) {
    auto looked = co_await look_at(doubtful);
    if (!looked) co_return fail(std::move(looked).error());
    look_alikes = std::move(*looked);
  }
  std::erase_if(listed, [&](const MessageInfo& info) {
    const auto print = print_of.find(info.uid.value);
    // Not given, or expunged meanwhile: the copy looks which of the two it is.
    if (print == print_of.end()) return false;
    if (elsewhere.contains(print->second)) return true;
    const auto alike = look_alikes.find(looks_of(print->second, info));
    if (alike == look_alikes.end() || alike->second == 0) return false;
    --alike->second;
    return true;
  });
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> keep_leftovers(MailSource& source, SyncState& state, const FolderInfo& view,
                                  const std::vector<FolderInfo>& folders,
                                  const std::set<std::string>& left_out, bool complete,
                                  std::vector<MessageInfo>& listed) {
  Leftovers leftovers(source, state, view, folders, left_out);
  auto kept = co_await leftovers.keep(listed, complete);
  co_return kept;
}

Task<Result<std::set<Fingerprint>>> held_by_view(MailSource& source, const FolderInfo& view,
                                                 const std::set<Fingerprint>& wanted) {
  std::set<Fingerprint> out;
  auto opened = co_await source.open_folder(view.wire);
  if (!opened) co_return fail(std::move(opened).error());
  const Uid last = opened->uid_next ? Uid(opened->uid_next->value - 1) : kLastUid;
  auto listed = co_await list_range(source, Uid(1), last);
  if (!listed) co_return fail(std::move(listed).error());
  imap::UidSet uids;
  for (const auto& info : *listed) uids.add(info.uid);
  if (listed->empty())
    co_return fail(ErrorCode::refused, "look into " + path_text(view.path), "it says it is empty");
  auto prints = co_await fingerprints(source, std::move(uids));
  if (!prints) co_return fail(std::move(prints).error());
  // A message that is listed and not given may be any of them.
  if (prints->size() < listed->size())
    co_return fail(ErrorCode::refused, "look into " + path_text(view.path),
                   std::to_string(listed->size() - prints->size()) +
                       " of its messages are listed and not given");
  for (const auto& print : *prints)
    if (wanted.contains(print.fingerprint)) out.insert(print.fingerprint);
  co_return out;
}

}  // namespace mxferry::copy
