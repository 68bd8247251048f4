// SPDX-License-Identifier: Apache-2.0
#include "imap/folder_listing.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "imap/special_use.hpp"
#include "protocol/imap/limits.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::imap {

FolderState to_state(const StatusData& data) {
  FolderState out;
  if (data.uid_validity && data.uid_validity->value > 0) out.uid_validity = data.uid_validity;
  if (data.uid_next && data.uid_next->value > 0) out.uid_next = data.uid_next;
  out.messages = data.messages;
  out.highest_modseq = data.highest_modseq;
  return out;
}

void FolderListing::on_data(Untagged& data) {
  if (const auto* entry = std::get_if<ListData>(&data)) {
    add(*entry);
    ++taken;
  } else if (const auto* status = std::get_if<StatusData>(&data)) {
    add(*status);
    ++taken;
  }
}

bool FolderListing::overflows() const {
  return folders_.size() > kMaxFolders || states_.size() > kMaxFolders;
}

bool FolderListing::is_foreign(std::string_view name) const {
  return std::any_of(foreign_.begin(), foreign_.end(), [&](const std::string& p) {
    if (p.empty())
      return !personal_.prefix.empty() && !name.starts_with(personal_.prefix) && !is_inbox(name);
    const std::string_view bare = personal_.delimiter && p.ends_with(*personal_.delimiter)
                                      ? std::string_view(p).substr(0, p.size() - 1)
                                      : std::string_view(p);
    return name.starts_with(p) || name == bare;
  });
}

void FolderListing::add(const ListData& entry) {
  if (entry.lsub || is_foreign(entry.name)) return;
  FolderInfo info;
  info.wire = entry.name;
  info.delimiter = entry.delimiter;
  info.selectable = !entry.has("\\Noselect") && !entry.has("\\NonExistent");
  info.subscribed = entry.has("\\Subscribed");
  std::string_view below = entry.name;
  if (!personal_.prefix.empty() && below.starts_with(personal_.prefix))
    below.remove_prefix(personal_.prefix.size());
  if (is_inbox(entry.name)) {
    info.path = {"INBOX"};
  } else {
    for (auto& part : split_path(below, entry.delimiter)) info.path.push_back(display_name(part));
  }
  info.use = use_of(entry);
  folders_.push_back(std::move(info));
}

// It follows its folder's LIST at once (RFC 5819 §2), mostly.
void FolderListing::add(const StatusData& status) {
  if (!folders_.empty() && folders_.back().wire == status.name) {
    folders_.back().state = to_state(status);
  } else {
    states_[status.name] = to_state(status);
  }
}

std::vector<FolderInfo> FolderListing::take() {
  auto out = std::exchange(folders_, {});
  for (auto& folder : out)
    if (const auto it = states_.find(folder.wire); it != states_.end()) folder.state = it->second;
  states_.clear();
  // A LIST without extensions may name a folder twice; the first counts.
  std::vector<std::size_t> order(out.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return out[a].wire < out[b].wire; });
  for (std::size_t i = 1, first = 0; i < order.size(); ++i) {
    if (out[order[i]].wire == out[order[first]].wire) {
      out[order[i]].wire.clear();
    } else {
      first = i;
    }
  }
  std::erase_if(out, [](const FolderInfo& folder) { return folder.wire.empty(); });
  // Names decide only where no folder has the use by attribute, and only the first such name.
  for (auto& folder : out) {
    if (folder.use != SpecialUse::none || folder.path.size() != 1 || !folder.selectable) continue;
    const auto use = use_by_name(folder.path.front());
    if (use == SpecialUse::none) continue;
    if (std::none_of(out.begin(), out.end(), [&](const FolderInfo& f) { return f.use == use; }))
      folder.use = use;
  }
  return out;
}

}  // namespace mxferry::imap
