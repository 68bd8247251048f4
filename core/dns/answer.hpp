// SPDX-License-Identifier: Apache-2.0
// What came back, by whatever way: the answer to a very query, or nothing that counts. Pure.
#pragma once

#include <string>

#include "base/error.hpp"
#include "protocol/dns/message.hpp"

namespace mxferry::dns {

/// The message in `bytes`, if it answers this query: id, QR, opcode and question are those.
/// ErrorCode::protocol.
Result<Message> answer_in(const std::string& bytes, const Query& query,
                          const std::string& operation);

}  // namespace mxferry::dns
