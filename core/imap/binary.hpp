// SPDX-License-Identifier: Apache-2.0
// Messages whose NULs the server does not give by BODY[]: asked for once more by BINARY.PEEK[]
// (RFC 3516). On the connection's executor.
#pragma once

#include <vector>

#include "imap/connection.hpp"
#include "model/mail.hpp"

namespace mxferry::imap {

/// Puts the NULs back into the bodies of `messages` where BINARY shows them octet for octet and a
/// header says which message it is; else marks what is known to have lost some. Only for servers
/// that offer BINARY; what such a server refuses stays as it is. Costs a command only where a body
/// has 0x80 outside of UTF-8.
Task<Result<void>> restore_nul(Connection& connection, std::vector<WholeMessage>& messages);

}  // namespace mxferry::imap
