// SPDX-License-Identifier: Apache-2.0
// Lookups by recursive resolvers: each is asked in turn until one answers, and all of it together
// takes no longer than a given time (RFC 7208 §4.6.4 asks for at least 20 seconds). Blocking; one
// thread.
#pragma once

#include <chrono>
#include <stop_token>
#include <vector>

#include "dns/asker.hpp"
#include "protocol/dns/lookup.hpp"

namespace mxferry::dns {

class ResolverLookups : public Lookups {
 public:
  explicit ResolverLookups(std::vector<DnsServer> resolvers, std::stop_token stop = {},
                           std::chrono::milliseconds whole = std::chrono::seconds(20));
  Answer ask(const Question& question) override;

 private:
  Answer ask_one(const DnsServer& server, Question question);
  std::vector<DnsServer> resolvers_;
  std::stop_token stop_;
  std::chrono::steady_clock::time_point until_;
};

/// What an answer of a resolver says of `question`. Of a chain of aliases that it does not follow
/// to its end, `alias` becomes the name to ask for next. Pure.
Answer read_answer(const Message& message, const Question& question, std::string& alias);

}  // namespace mxferry::dns
