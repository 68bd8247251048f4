// SPDX-License-Identifier: Apache-2.0
// What a server's refusal means: response codes (RFC 5530, RFC 9051 §7.1) first, then the strings
// of servers that have none, as met in the field (2026-11). Pure, any thread.
#pragma once

#include <string>

#include "base/error.hpp"
#include "protocol/imap/response.hpp"

namespace mxferry::imap {

/// The error for a NO, BAD or BYE. `operation` names command, host and object.
Error refusal(std::string operation, const StatusResponse& response);

}  // namespace mxferry::imap
