// SPDX-License-Identifier: Apache-2.0
// The ImapAdmin of the network: blocking commands on one Destination connection, which is opened by
// the first command and again after it broke. A command whose answer was lost is not repeated.
#pragma once

#include "ports/imap_admin.hpp"

namespace mxferry::imap {

/// An ImapAdminOpener.
Result<std::unique_ptr<ImapAdmin>> open_admin(const ImapAdminTarget& target);

}  // namespace mxferry::imap
