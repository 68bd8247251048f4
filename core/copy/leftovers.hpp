// SPDX-License-Identifier: Apache-2.0
// What a source's view of all mail (\All, RFC 6154) holds and no other folder does: mail that was
// archived out of every folder, as Gmail keeps it. The rest of the view lies in other folders and
// is copied from there. Reads only; on the mailbox's executor.
//
//   header fingerprints of the view ─► among those of the other folders? ─► no: only in the view
//        (of copied folders from the state, of the others from the source)
//                                      └► yes: as many as there, by fingerprint, or by size and
//                                      date
//                                         too: it lies there; what is in doubt counts as a leftover
#pragma once

#include <set>
#include <string>
#include <vector>

#include "copy/sync_state.hpp"
#include "ports/mail_source.hpp"

namespace mxferry::copy {

/// `listed`: messages of `view`, a folder that `source` has open; `complete`: all of them. Leaves
/// those that no other of `folders` holds. Opens others at the source: afterwards `view` is to be
/// opened again. `left_out`: wire names of folders whose records in `state` do not stand for all
/// their mail; they are read at the source.
Task<Result<void>> keep_leftovers(MailSource& source, SyncState& state, const FolderInfo& view,
                                  const std::vector<FolderInfo>& folders,
                                  const std::set<std::string>& left_out, bool complete,
                                  std::vector<MessageInfo>& listed);

/// Those of `wanted` that a message of `view` has. Opens `view` at the source. ErrorCode::refused
/// where it says that it is empty, or lists a message that it does not give: then nobody knows.
Task<Result<std::set<Fingerprint>>> held_by_view(MailSource& source, const FolderInfo& view,
                                                 const std::set<Fingerprint>& wanted);

}  // namespace mxferry::copy
