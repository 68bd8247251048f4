// SPDX-License-Identifier: Apache-2.0
// What is asked of an account that is looked at and not copied: sizes, quota, foreign namespaces,
// some header fields of recent mail, what a person would see of a message. Commands that read;
// folders are opened with EXAMINE where the client's role is ReadOnly. Answers stream: memory is
// bounded by one message's fields, not by a mailbox. On the connection's executor.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imap/client.hpp"
#include "model/inventory.hpp"
#include "protocol/imap/body_structure.hpp"

namespace mxferry::imap {

struct SizeSum {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t largest = 0;
};

/// Sums up a selectable folder: STATUS SIZE (RFC 8438) and SEARCH LARGER where they are offered,
/// else the RFC822.SIZE of each message.
Task<Result<SizeSum>> folder_sizes(Client& client, const FolderInfo& folder);

/// Other users' and shared namespaces (RFC 2342) in which this account sees folders:
/// "Shared/ (3 folders)".
Task<Result<std::vector<std::string>>> foreign_namespaces(Client& client);

/// UIDs of the open folder whose INTERNALDATE is `day` (UTC) or later. `messages`: how many the
/// folder holds; large ones are asked piece by piece where the server has no ESEARCH.
Task<Result<UidSet>> search_since(Client& client, std::chrono::sys_days day,
                                  const FolderState& folder);

/// More of one message's fields is not kept.
inline constexpr std::size_t kMostHeaderFields = std::size_t{256} << 10;

/// Calls `visit` with the named fields ("TO CC") of each message, as they come.
Task<Result<void>> each_header(Client& client, const UidSet& uids, std::string fields,
                               std::function<void(Uid, std::string_view)> visit);

/// What a person would look at.
struct Glance {
  Uid uid{};
  Flags flags{};
  std::optional<InternalDate> date{};
  std::uint64_t size = 0;
  std::optional<BodyPart> structure{};
  std::string header{};  // DATE FROM SUBJECT, only where asked for
};
Task<Result<std::vector<Glance>>> glance(Client& client, const UidSet& uids, bool header);

}  // namespace mxferry::imap
