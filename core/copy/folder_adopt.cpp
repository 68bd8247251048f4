// SPDX-License-Identifier: Apache-2.0
// FolderCopy, mail that is at the destination already: fingerprints preselect, SHA-256 of what both
// sides give back decides.
#include <algorithm>

#include "copy/folder_copy.hpp"
#include "copy/messages_io.hpp"

namespace mxferry::copy {

Task<Result<void>> FolderCopy::adopt(std::vector<MessageInfo>& fresh) {
  if (fresh.empty()) co_return Result<void>();
  Uid first(1);
  Uid end = record_.adopt_below.value_or(first);
  const auto& then = record_.dst.uid_next;
  if (!record_.adopt_below && then && dst_.uid_next && *then < *dst_.uid_next) {
    // Since the pass that the state remembers more has come in than it knows of: by others, or by a
    // run whose state is lost.
    const auto ours = std::count_if(bound_.begin(), bound_.end(), [&](std::uint32_t uid) {
      return uid >= then->value && uid < dst_.uid_next->value;
    });
    if (ours < std::int64_t{dst_.uid_next->value} - then->value) {
      first = *then;
      end = *dst_.uid_next;
    }
  }
  if (end <= first) co_return Result<void>();
  auto there = co_await list_range(*lane_.target, first, Uid(end.value - 1));
  if (!there) co_return fail(std::move(there).error());
  std::erase_if(*there, [&](const MessageInfo& info) { return bound_.contains(info.uid.value); });
  if (there->empty()) co_return Result<void>();

  // Fingerprints preselect ...
  imap::UidSet ours;
  imap::UidSet theirs;
  std::unordered_map<std::uint32_t, const MessageInfo*> source_info;
  std::unordered_map<std::uint32_t, const MessageInfo*> target_info;
  for (const auto& info : fresh) {
    ours.add(info.uid);
    source_info[info.uid.value] = &info;
  }
  for (const auto& info : *there) {
    theirs.add(info.uid);
    target_info[info.uid.value] = &info;
  }
  auto have = co_await fingerprints(*lane_.target, std::move(theirs));
  if (!have) co_return fail(std::move(have).error());
  auto want = co_await fingerprints(*lane_.source, std::move(ours));
  if (!want) co_return fail(std::move(want).error());
  std::map<Fingerprint, std::pair<std::vector<Uid>, std::vector<Uid>>> groups;
  for (const auto& candidate : *want) groups[candidate.fingerprint].first.push_back(candidate.uid);
  for (const auto& candidate : *have) {
    const auto it = groups.find(candidate.fingerprint);
    if (it != groups.end()) it->second.second.push_back(candidate.uid);
  }
  std::vector<MessageInfo> read_source;
  std::vector<MessageInfo> read_target;
  std::unordered_map<std::uint32_t, Fingerprint> print_of;
  for (const auto& [print, group] : groups) {
    if (group.second.empty()) continue;
    for (const auto uid : group.first) {
      read_source.push_back(*source_info.at(uid.value));
      print_of[uid.value] = print;
    }
    for (const auto uid : group.second) read_target.push_back(*target_info.at(uid.value));
  }
  // ... SHA-256 of what both sides give back decides.
  auto source_digests = co_await digests(*lane_.source, std::move(read_source));
  if (!source_digests) co_return fail(std::move(source_digests).error());
  auto target_digests = co_await digests(*lane_.target, std::move(read_target));
  if (!target_digests) co_return fail(std::move(target_digests).error());
  std::map<mime::Digest, std::vector<Uid>> by_digest;
  for (const auto& digest : *target_digests) by_digest[digest.sha256].push_back(digest.uid);
  std::unordered_map<std::uint32_t, Uid> pairs;
  std::vector<Uid> unpaired;
  for (const auto& digest : *source_digests) {
    const auto it = by_digest.find(digest.sha256);
    if (it == by_digest.end() || it->second.empty()) {
      unpaired.push_back(digest.uid);
      continue;
    }
    pairs.emplace(digest.uid.value, it->second.front());
    it->second.erase(it->second.begin());
  }
  // Same headers and date, one to one, other bytes: the destination may have rewritten it on an
  // earlier migration.
  std::unordered_set<std::uint32_t> taken;
  for (const auto& [src, dst] : pairs) taken.insert(dst.value);
  std::uint64_t altered = 0;
  std::unordered_map<std::uint32_t, Uid> altered_pairs;
  for (const auto uid : unpaired) {
    const auto& group = groups.at(print_of.at(uid.value));
    if (group.first.size() != 1 || group.second.size() != 1) continue;
    const Uid other = group.second.front();
    if (taken.contains(other.value) ||
        source_info.at(uid.value)->date != target_info.at(other.value)->date)
      continue;
    ++altered;
    altered_pairs.emplace(uid.value, other);
  }
  if (run_.job.options.altered == AlteredPolicy::ask &&
      destination_rewrites(fresh.size(), altered)) {
    report_.stopped = std::to_string(altered) +
                      " messages are at the destination with equal headers and dates but " +
                      "other bytes: it rewrites mail; decide with --adopt-altered or --copy";
    co_return Result<void>();
  }
  if (run_.job.options.altered == AlteredPolicy::adopt)
    pairs.insert(altered_pairs.begin(), altered_pairs.end());

  std::vector<MessageRecord> records;
  for (const auto& info : fresh) {
    const auto pair = pairs.find(info.uid.value);
    if (pair == pairs.end()) continue;
    MessageRecord record;
    record.src = info.uid;
    record.dst = pair->second;
    record.origin = Origin::adopted;
    record.fingerprint = print_of.at(info.uid.value);
    // The base is what both hold: the merge below adds what the source has beyond it and removes
    // nothing.
    const auto& flags_there = target_info.at(pair->second.value)->flags;
    MXF_CO_TRY(there_id, state().intern_flags(record_, flags_there));
    MXF_CO_TRY(both_id,
               state().intern_flags(record_, flags_there.minus(flags_there.minus(info.flags))));
    record.dst_flags = there_id;
    record.src_flags = both_id;
    records.push_back(record);
  }
  if (records.empty()) co_return Result<void>();
  MXF_CO_CHECK(state().put_messages(record_, records));
  const std::uint64_t adopted = records.size();
  MXF_CO_CHECK(load());
  for (const auto& info : fresh) MXF_CO_CHECK(plan_flag_change(info));
  std::erase_if(fresh, [&](const MessageInfo& info) { return known_.contains(info.uid.value); });
  report_.adopted += adopted;
  run_.report.adopted += adopted;
  run_.progressed = true;
  run_.tell(report_.source);
  co_return Result<void>();
}

}  // namespace mxferry::copy
