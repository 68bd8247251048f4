// SPDX-License-Identifier: Apache-2.0
#include "copy/brain/decisions.hpp"

#include <algorithm>
#include <map>

#include "protocol/imap/limits.hpp"

namespace mxferry::copy {

bool is_unchanged(const FolderState& then, const FolderState& now) {
  const auto known = [](const FolderState& s) {
    return s.uid_validity && s.uid_validity->value != 0 && s.uid_next && s.uid_next->value != 0 &&
           s.messages && s.highest_modseq && s.highest_modseq->value != 0 && !s.uid_not_sticky;
  };
  return known(then) && known(now) && then.uid_validity == now.uid_validity &&
         then.uid_next == now.uid_next && then.messages == now.messages &&
         then.highest_modseq == now.highest_modseq;
}

std::vector<Batch> cut_batches(std::span<const MessageInfo> messages, BatchLimits limits) {
  std::vector<Batch> out;
  std::uint64_t octets = 0;
  bool open = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto size = messages[i].size;
    if (size > imap::kWholeMessage) {
      Batch single;
      single.members.push_back(i);
      single.streams = true;
      out.push_back(std::move(single));
      open = false;
      continue;
    }
    if (!open || out.back().members.size() == limits.messages || octets + size > limits.octets) {
      out.emplace_back();
      octets = 0;
      open = true;
    }
    out.back().members.push_back(i);
    octets += size;
  }
  return out;
}

std::vector<std::optional<Uid>> match(std::span<const Fingerprint> wanted,
                                      std::span<const Candidate> have) {
  std::map<Fingerprint, std::vector<Uid>>
      by_print;  // each list descending, so that pop_back gives the lowest
  for (const auto& candidate : have) by_print[candidate.fingerprint].push_back(candidate.uid);
  for (auto& [print, uids] : by_print) std::sort(uids.rbegin(), uids.rend());
  std::vector<std::optional<Uid>> out(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto it = by_print.find(wanted[i]);
    if (it == by_print.end() || it->second.empty()) continue;
    out[i] = it->second.back();
    it->second.pop_back();
  }
  return out;
}

unsigned lanes_for(std::chrono::milliseconds round_trip) {
  constexpr unsigned kMost = 6;  // of the ten that a server of default settings grants a user
  return static_cast<unsigned>(std::clamp<std::int64_t>(3 + round_trip.count() / 12, 3, kMost));
}

std::size_t lanes_worth(std::size_t folders, std::uint64_t messages, bool batches) {
  // A login costs about as much as these.
  const std::uint64_t few = batches ? 400 : 20;
  constexpr std::size_t kFolders = 8;
  return static_cast<std::size_t>(std::max<std::uint64_t>({1, messages / few, folders / kFolders}));
}

FlagChange merge_flags(const imap::Flags& base, const imap::Flags& now,
                       const imap::PermanentFlags& kept) {
  FlagChange out;
  out.add = kept.kept(now.minus(base));
  out.remove = kept.kept(base.minus(now));
  return out;
}

std::string too_much_gone(std::span<const FolderCount> folders, bool list_is_empty) {
  if (list_is_empty) return "the source lists no folders at all";
  std::uint64_t known = 0;
  std::uint64_t gone = 0;
  for (const auto& folder : folders) {
    if (folder.is_inbox && !folder.messages) return "the source lists no INBOX any more";
    known += folder.known;
    const auto now = folder.messages.value_or(0);
    if (folder.known > now) gone += folder.known - now;
  }
  if (gone * 2 > known)
    return std::to_string(gone) + " of " + std::to_string(known) +
           " known messages are gone from the source at once";
  return {};
}

bool rematch_is_good(std::uint64_t known, std::uint64_t listed, std::uint64_t matched) {
  return matched * 100 >= std::min(known, listed) * 95;
}

bool destination_rewrites(std::uint64_t messages, std::uint64_t altered) {
  return altered >= 20 && altered * 100 > messages * 5;
}

}  // namespace mxferry::copy
