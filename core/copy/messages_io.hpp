// SPDX-License-Identifier: Apache-2.0
// Reading of mailboxes that copier and verify share: listings in windows, fingerprints, digests. On
// the executor of the mailbox; the mailbox outlives the call.
#pragma once

#include <vector>

#include "copy/brain/decisions.hpp"
#include "ports/mail_source.hpp"

namespace mxferry::copy {

inline constexpr Uid kLastUid{0xFFFFFFFFU};
/// UIDs of the first window of a listing.
inline constexpr std::uint32_t kListWindow = 20'000;

/// list_messages in windows that grow where UIDs are sparse, so that one answer stays small.
Task<Result<std::vector<MessageInfo>>> list_range(MailSource& mailbox, Uid first, Uid last);

/// The fingerprint of each of `uids` that still exists. Messages without identifying fields are
/// read whole.
Task<Result<std::vector<Candidate>>> fingerprints(MailSource& mailbox, imap::UidSet uids);

/// SHA-256 and XXH3 of one message of any size, as it streams.
struct StreamDigest {
  mime::Digest sha256{};
  Fingerprint content{};
  Fingerprint fingerprint{};
  std::uint64_t size = 0;
};
Task<Result<StreamDigest>> stream_digest(MailSource& mailbox, Uid uid);

/// SHA-256 of each of `messages`; large ones stream. What is gone is left out.
struct DigestOf {
  Uid uid;
  mime::Digest sha256;
  std::uint64_t size;
  bool nul_lost = false;  // as WholeMessage's
};
Task<Result<std::vector<DigestOf>>> digests(MailSource& mailbox, std::vector<MessageInfo> messages);

/// A folder's names in one line, for reports.
std::string path_text(const std::vector<std::string>& path);

/// In hexadecimal, for reports.
std::string text_of(const mime::Digest& digest);

}  // namespace mxferry::copy
