// SPDX-License-Identifier: Apache-2.0
// The small decisions of a copy, as pure functions: has a folder changed, which messages make a
// batch, which of what lies at the destination is ours, what flags to change, and when a server's
// statement is too bad to act on. Any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/mail.hpp"
#include "protocol/imap/limits.hpp"

namespace mxferry::copy {

using mime::Fingerprint;

/// Nothing arrived, left or changed: all four values are known, not 0, and equal (RFC 7162 §3.1.2).
bool is_unchanged(const FolderState& then, const FolderState& now);

struct BatchLimits {
  std::size_t messages = imap::kBatchMessages;
  std::uint64_t octets = imap::kBatchOctets;
};
/// Indices of `messages` cut into batches within `limits`; one above kWholeMessage is a batch of
/// its own and streams.
struct Batch {
  std::vector<std::size_t> members;
  bool streams = false;
};
std::vector<Batch> cut_batches(std::span<const MessageInfo> messages, BatchLimits limits = {});

/// A message at the destination that no record owns.
struct Candidate {
  Uid uid;
  Fingerprint fingerprint;
};
/// For each wanted fingerprint the candidate that is it, each used once, in ascending order: three
/// twins wanted and two there give two matches.
std::vector<std::optional<Uid>> match(std::span<const Fingerprint> wanted,
                                      std::span<const Candidate> have);

/// Pairs of connections for servers that answer after `round_trip`: two keep both ends busy, more
/// hide the waits of a long line.
unsigned lanes_for(std::chrono::milliseconds round_trip);
/// Pairs of connections that so many folders with so many messages to copy are worth.
std::size_t lanes_worth(std::size_t folders, std::uint64_t messages, bool batches);

/// Three-way merge: what the source changed since it was last seen is done at the destination; what
/// the destination's user changed stays. Only flags that the destination keeps count.
struct FlagChange {
  imap::Flags add;
  imap::Flags remove;
  bool empty() const { return add.empty() && remove.empty(); }
};
FlagChange merge_flags(const imap::Flags& base, const imap::Flags& now,
                       const imap::PermanentFlags& kept);

/// What is known of a folder and what the server says of it now.
struct FolderCount {
  std::string name;
  bool is_inbox = false;
  std::uint64_t known = 0;
  std::optional<std::uint64_t> messages;  // nothing: the folder is not listed any more
};
/// Why the account must stop: an empty list, INBOX gone, or more than half of all known messages
/// gone at once. Empty: go on.
std::string too_much_gone(std::span<const FolderCount> folders, bool list_is_empty);

/// A new UIDVALIDITY is accepted when at least 95 % of what can be matched by content does.
bool rematch_is_good(std::uint64_t known, std::uint64_t listed, std::uint64_t matched);

/// Equal headers and dates but other bytes in more than 5 % (and at least 20) of a folder: the
/// destination rewrites mail.
bool destination_rewrites(std::uint64_t messages, std::uint64_t altered);

}  // namespace mxferry::copy
