// SPDX-License-Identifier: Apache-2.0
#include "copy/moves.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "copy/messages_io.hpp"

namespace mxferry::copy {
namespace {

bool same_life(const FolderPlace& place) {
  const auto& then = place.record.src;
  const auto& now = *place.info->state;
  return then.uid_validity && then.uid_validity == now.uid_validity && !now.uid_not_sticky;
}

// Fewer messages than the last time and all that may have come in since.
bool may_have_lost(const FolderPlace& place) {
  if (place.record.id == 0 || !place.info->state) return false;
  const auto& then = place.record.src;
  const auto& now = *place.info->state;
  if (!same_life(place) || !then.uid_next || !then.messages || !now.uid_next || !now.messages)
    return false;
  // "Nothing left" is a statement that destroys nothing.
  if (*now.messages == 0 || *now.uid_next < *then.uid_next) return false;
  return *now.messages < *then.messages + (now.uid_next->value - then.uid_next->value);
}

std::optional<Uid> first_new(const FolderPlace& place) {
  if (!place.info->state || place.info->state->messages.value_or(0) == 0) return std::nullopt;
  if (place.record.id == 0) return Uid(1);
  const auto& then = place.record.src;
  if (!same_life(place) || !then.uid_next || !place.info->state->uid_next) return std::nullopt;
  if (*place.info->state->uid_next <= *then.uid_next) return std::nullopt;
  return then.uid_next;
}

}  // namespace

Task<Result<Departures>> find_departures(RunContext& run, MailSource& source,
                                         std::span<const FolderPlace> places, bool want_gone) {
  Departures out;
  const bool any_arrival =
      std::any_of(places.begin(), places.end(), [](const auto& p) { return first_new(p); });
  if (!any_arrival && !want_gone) co_return out;
  auto& state = *run.job.state;
  std::map<Fingerprint, std::vector<std::pair<std::size_t, MessageRecord>>> gone;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& place = places[i];
    bool look = may_have_lost(place);
    if (!look && want_gone && place.record.id != 0 && place.info->state &&
        place.info->state->messages.value_or(0) > 0 && same_life(place) &&
        place.record.src.uid_next) {
      // What an earlier run has counted as gone.
      MXF_CO_TRY(known, state.count_messages(place.record));
      look = known > *place.info->state->messages;
    }
    if (!look) continue;
    auto opened = co_await source.open_folder(place.info->wire);
    if (!opened && opened.error().code == ErrorCode::not_found) continue;
    if (!opened) co_return fail(std::move(opened).error());
    if (opened->uid_validity != place.record.src.uid_validity) continue;
    const Uid last(place.record.src.uid_next->value - 1);
    auto listed = co_await source.list_flags(Uid(1), last, std::nullopt);
    if (!listed) co_return fail(std::move(listed).error());
    std::unordered_set<std::uint32_t> there;
    for (const auto& info : *listed) there.insert(info.uid.value);
    MXF_CO_TRY(records, state.messages(place.record));
    out.known += records.size();
    if (there.empty()) continue;
    for (const auto& record : records)
      if (record.origin == Origin::appended && record.src <= last &&
          !there.contains(record.src.value))
        gone[record.fingerprint].emplace_back(i, record);
  }
  if (gone.empty()) co_return out;

  std::map<Fingerprint, std::vector<std::pair<std::size_t, MessageInfo>>> fresh;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto first = first_new(places[i]);
    if (!first) continue;
    auto opened = co_await source.open_folder(places[i].info->wire);
    if (!opened && opened.error().code == ErrorCode::not_found) continue;
    if (!opened) co_return fail(std::move(opened).error());
    auto listed = co_await list_range(
        source, *first, opened->uid_next ? Uid(opened->uid_next->value - 1) : kLastUid);
    if (!listed) co_return fail(std::move(listed).error());
    std::unordered_map<std::uint32_t, const MessageInfo*> info_of;
    imap::UidSet uids;
    for (const auto& info : *listed) {
      if (!run.job.options.messages.passes(info)) continue;
      uids.add(info.uid);
      info_of[info.uid.value] = &info;
    }
    if (uids.empty()) continue;
    auto prints = co_await fingerprints(source, std::move(uids));
    if (!prints) co_return fail(std::move(prints).error());
    for (const auto& candidate : *prints)
      if (gone.contains(candidate.fingerprint))
        fresh[candidate.fingerprint].emplace_back(i, *info_of.at(candidate.uid.value));
  }
  for (const auto& [print, leavers] : gone) {
    const auto it = fresh.find(print);
    if (it != fresh.end() && leavers.size() == 1 && it->second.size() == 1 &&
        it->second.front().first != leavers.front().first) {
      MovedMessage message;
      message.from = leavers.front().first;
      message.to = it->second.front().first;
      message.record = leavers.front().second;
      message.now = it->second.front().second;
      out.moved.push_back(std::move(message));
      continue;
    }
    // Of twins nobody can say which one went where: what came in is copied, what is gone is gone,
    // and while anything like it came in it is not put aside either.
    if (it == fresh.end()) out.gone.insert(out.gone.end(), leavers.begin(), leavers.end());
  }
  co_return out;
}

Task<Result<std::vector<MessageRecord>>> still_as_left(SyncState& state, MailTarget& target,
                                                       const FolderRecord& folder,
                                                       std::vector<MessageRecord> records) {
  std::sort(records.begin(), records.end(),
            [](const MessageRecord& a, const MessageRecord& b) { return a.dst < b.dst; });
  if (records.empty()) co_return records;
  auto listed = co_await target.list_flags(records.front().dst, records.back().dst, std::nullopt);
  if (!listed) co_return fail(std::move(listed).error());
  std::unordered_map<std::uint32_t, const MessageInfo*> there;
  for (const auto& info : *listed) there[info.uid.value] = &info;
  std::vector<MessageRecord> out;
  for (const auto& record : records) {
    const auto it = there.find(record.dst.value);
    if (it == there.end()) continue;
    MXF_CO_TRY(expected, state.flags_of(folder, record.dst_flags));
    if (it->second->flags == expected) out.push_back(record);
  }
  co_return out;
}

}  // namespace mxferry::copy
