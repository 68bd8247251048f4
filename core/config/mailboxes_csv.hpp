// SPDX-License-Identifier: Apache-2.0
// mailboxes.csv (RFC 4180, a header line, UTF-8 with or without BOM, CRLF or LF):
//   source,dest,source_secret,dest_secret[,wave][,lane][,quota][,aliases]     aliases are separated
//   by blanks
// A column with a literal password is refused with the commands that replace it. Errors name
// file:line:column.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/plan_file.hpp"

namespace mxferry::config {

/// `name` stands in the errors.
Result<std::vector<Mailbox>> parse_mailboxes_csv(std::string_view text, const std::string& name);

}  // namespace mxferry::config
