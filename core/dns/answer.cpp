// SPDX-License-Identifier: Apache-2.0
#include "dns/answer.hpp"

namespace mxferry::dns {

Result<Message> answer_in(const std::string& bytes, const Query& query,
                          const std::string& operation) {
  const auto message = decode_message(bytes);
  if (!message) return fail(ErrorCode::protocol, operation, "a malformed answer");
  if (!message->response || message->id != query.id || message->opcode != 0)
    return fail(ErrorCode::protocol, operation, "not an answer to what was asked");
  if (message->questions.size() != 1 || message->questions[0] != query.question)
    return fail(ErrorCode::protocol, operation, "an answer to another question");
  return *message;
}

}  // namespace mxferry::dns
