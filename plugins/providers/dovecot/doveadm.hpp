// SPDX-License-Identifier: Apache-2.0
// doveadm's HTTP API v1: a batch of commands in one POST, an answer for each. It answers 200 even
// where commands fail; an exit code tells (sysexits.h: 65 exists, 67 no such user, 68 no such
// mailbox, 64 wrong usage, 75 try again, 77 not permitted).
#pragma once

#include <mxferry/plugin.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace dovecot {

namespace sdk = mxferry::sdk;

struct Reply {
  int exit_code = 0;
  std::string rows;  // JSON array of objects, for exit code 0
};

/// `commands` is a JSON array of [name, parameters]; the replies stand in the same order. A reply
/// that is missing or belongs to another command is an error.
sdk::Result<std::vector<Reply>> call(const sdk::Host& host, const std::string& url,
                                     const nlohmann::json& commands);

/// What an exit code other than 0 means.
sdk::Failure failure(int exit_code, const std::string& what);

}  // namespace dovecot
