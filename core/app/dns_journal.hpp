// SPDX-License-Identifier: Apache-2.0
// The journal of the writes from one snapshot of `mxferry dns apply`, beside it: SNAPSHOT.journal,
// one JSON object a line, each on disk before the next act. Main thread.
//
//   {"phase": "intent",   "at", "of": digest of the snapshot, "way": "apply" | "restore",
//    "changes": [{"before", "after"}]}             before anything is sent
//   {"phase": "accepted", "at", "ids": [...]}      the DNS API took it; it may not be live yet
//   {"phase": "result",   "at"}                    it stands
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "model/zone.hpp"

namespace mxferry::app {

class DnsJournal {
 public:
  /// Reads what there is; nothing is created. A journal of another snapshot is begun anew with the
  /// first intent; a last line that was cut off was never acted upon. ErrorCode::config where the
  /// file is no journal.
  static Result<DnsJournal> open(const std::filesystem::path& file, const std::string& digest);

  /// An intent without a result: what it was about may stand, in part, or not at all.
  bool is_open() const { return open_; }
  /// The last intent of this snapshot has its result.
  bool is_done() const { return whole_ > 0 && !open_; }
  /// When the last write was seen to stand; nothing where none was.
  std::optional<Instant> stood_at() const { return stood_at_; }
  /// What the DNS API called the changes of the open intent, as far as it answered.
  const std::vector<std::string>& ids() const { return ids_; }

  /// Each is durable when it returns. ErrorCode::io.
  Result<void> intent(const std::string& way, const std::vector<ZoneChange>& changes);
  Result<void> accepted(const std::vector<std::string>& ids);
  Result<void> result();

 private:
  DnsJournal(std::filesystem::path file, std::string digest)
      : file_(std::move(file)), digest_(std::move(digest)) {}
  Result<void> append(const std::string& line);

  std::filesystem::path file_;
  std::string digest_;
  std::uintmax_t whole_ = 0;  // octets of whole lines of this snapshot's journal
  bool open_ = false;
  std::optional<Instant> stood_at_;
  std::vector<std::string> ids_;
};

}  // namespace mxferry::app
