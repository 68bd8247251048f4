// SPDX-License-Identifier: Apache-2.0
#include "dns/doh_asker.hpp"

#include <algorithm>

#include "dns/answer.hpp"

namespace mxferry::dns {

Result<Message> ask(const net::DohServer& server, const Question& question, std::stop_token stop,
                    std::chrono::milliseconds patience) {
  Query query;  // its id stays 0, so that HTTP caches know equal questions (RFC 8484 §4.1)
  query.question = question;
  query.recursion_desired = true;
  query.authentic_data = true;
  MXF_TRY(got, net::doh_exchange(server, encode_query(query), patience, std::move(stop)));
  const std::string operation = "ask " + server.url + " for " + question.name + " " + question.type;
  MXF_TRY(message, answer_in(got.bytes, query, operation));
  if (message.truncated) return fail(ErrorCode::protocol, operation, "truncated over HTTPS");
  for (auto* section : {&message.answers, &message.authority, &message.additional})
    for (auto& record : *section) record.ttl -= std::min(record.ttl, got.age);
  return message;
}

Seen ask_resolver(const net::DohServer& server, const Question& question, std::stop_token stop) {
  const auto message = ask(server, question, std::move(stop));
  if (message) return judge(*message, question, "");
  Seen unknown;
  unknown.why = message.error().text;
  return unknown;
}

}  // namespace mxferry::dns
