// SPDX-License-Identifier: Apache-2.0
// Undo: takes back at the destination what a copy appended there, and nothing else. A record is
// removed where all of this holds, anything else stays and is told:
//
//   the record says that we appended it (not: adopted, not: unknown, from an older state)
//   the folder has the UIDVALIDITY that the record was made under, and its UIDs are lasting
//   the message's flags are those that we last saw, and its header fields still give our
//   fingerprint the server has UIDPLUS: UID EXPUNGE names exactly our UIDs (RFC 4315 §2.1)
//
//   records ─► marked `removing` (durable) ─► UID EXPUNGE ─► listed again ─► records taken away
//
// Killed anywhere, the next undo goes on: what is marked and gone was removed by us. Between the
// two a copy refuses to run. Batches whose answer was lost are looked up first, by every octet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "copy/copy_job.hpp"

namespace mxferry::copy {

struct UndoOptions {
  bool dry_run = false;
  /// Folders that the copy made, and that are empty and without children afterwards, go too.
  bool folders = false;
};

struct UndoLeft {
  std::string folder;  // of the destination, UTF-8
  Uid dst{};           // 0: the folder as a whole
  std::string why;
};

struct UndoFolder {
  std::string source;         // UTF-8
  std::string destination;    // UTF-8
  std::uint64_t removed = 0;  // dry run: would be removed
  std::uint64_t adopted = 0;  // was there before us: stays
  std::uint64_t gone = 0;     // not at the destination any more, and not by us
  std::uint64_t left = 0;
  bool folder_removed = false;  // dry run: would be removed
};

struct UndoReport {
  std::vector<UndoFolder> folders{};
  std::vector<UndoLeft> left{};
  std::uint64_t removed = 0;
  std::uint64_t adopted = 0;
  std::uint64_t gone = 0;
  std::uint64_t folders_removed = 0;
};

/// Needs job.open_target, state, clock, control and options.append_settle; the source is not
/// opened. Errors as run_copy; after network trouble the same call goes on.
Task<Result<UndoReport>> run_undo(CopyJob& job, const UndoOptions& options);

}  // namespace mxferry::copy
