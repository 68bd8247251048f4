// SPDX-License-Identifier: Apache-2.0
// What left its folder at the source since the last copy, and what of it came in elsewhere: a
// message of a known folder that is not listed any more and whose fingerprint is that of exactly
// one new message of another folder was moved. Whether it is the same octet for octet is asked of
// both sides before anything is moved. Reads only the source and the state.
#pragma once

#include <span>
#include <vector>

#include "copy/folder_copy.hpp"

namespace mxferry::copy {

/// One folder of the source with what is stored of it (record.id 0: nothing).
struct FolderPlace {
  const FolderInfo* info = nullptr;
  FolderRecord record{};
};

/// A message that is in `to` now and was in `from`.
struct MovedMessage {
  std::size_t from = 0;  // index of the place
  std::size_t to = 0;
  MessageRecord record{};  // of `from`
  MessageInfo now{};       // in `to`
};

struct Departures {
  std::vector<MovedMessage> moved{};
  /// Appended by us, gone from the source, and found nowhere else; by index of the place.
  std::vector<std::pair<std::size_t, MessageRecord>> gone{};
  std::uint64_t known = 0;  // messages of the folders that were looked at
};

/// Lists only folders from which something may have gone, and looks for it only in folders into
/// which something may have come. A folder that says it is empty is not believed. With
/// `want_gone` the list is made although nothing has come in anywhere.
Task<Result<Departures>> find_departures(RunContext& run, MailSource& source,
                                         std::span<const FolderPlace> places, bool want_gone);

/// Of `records` in the open folder of `target` those that are there as we left them: the flags are
/// those last seen.
Task<Result<std::vector<MessageRecord>>> still_as_left(SyncState& state, MailTarget& target,
                                                       const FolderRecord& folder,
                                                       std::vector<MessageRecord> records);

}  // namespace mxferry::copy
