// SPDX-License-Identifier: Apache-2.0
// Is there room at the destination for what is to be copied? Asked before the first byte moves, of
// destinations that tell a quota. Reads only.
#pragma once

#include <span>

#include "copy/copy_job.hpp"
#include "copy/moves.hpp"

namespace mxferry::copy {

/// ErrorCode::gate (QU-01) where the new messages of `places` have more octets than the
/// destination's quota leaves (RFC 9208). A destination without a quota costs nothing; where it has
/// one the sizes of the new messages are listed, folder by folder.
Task<Result<void>> check_room(const CopyJob& job, MailSource& source, MailTarget& target,
                              std::span<const FolderPlace> places);

}  // namespace mxferry::copy
