// SPDX-License-Identifier: Apache-2.0
#include "dns/resolver_lookups.hpp"

#include <algorithm>

namespace mxferry::dns {
namespace {

constexpr int kAliases = 8;
constexpr std::chrono::milliseconds kPatience{2000};  // c-ares doubles it for the second try

}  // namespace

ResolverLookups::ResolverLookups(std::vector<DnsServer> resolvers, std::stop_token stop,
                                 std::chrono::milliseconds whole)
    : resolvers_(std::move(resolvers)),
      stop_(std::move(stop)),
      until_(std::chrono::steady_clock::now() + whole) {}

Answer read_answer(const Message& message, const Question& question, std::string& alias) {
  Answer out;
  const auto rcode = static_cast<Rcode>(message.rcode);
  if (rcode != Rcode::noerror && rcode != Rcode::nxdomain) {
    out.why = rcode_name(message.rcode);
    return out;
  }
  out.authentic = message.authentic_data;
  std::string name = question.name;
  for (std::size_t hops = 0; out.rdata.empty(); ++hops) {
    if (hops > message.answers.size()) {
      out.why = "aliases that turn in a circle";
      return out;
    }
    for (const auto& record : message.answers)
      if (record.name == name && record.type == question.type) out.rdata.push_back(record.rdata);
    const auto next = std::find_if(
        message.answers.begin(), message.answers.end(),
        [&](const Record& record) { return record.name == name && record.type == "CNAME"; });
    if (next == message.answers.end()) break;
    name = next->rdata;
  }
  const auto holds = [&](const char* type) {
    return std::any_of(message.authority.begin(), message.authority.end(),
                       [&](const Record& record) { return record.type == type; });
  };
  if (!out.rdata.empty()) {
    out.kind = Answer::Kind::found;
  } else if (rcode == Rcode::nxdomain) {
    out.kind = Answer::Kind::no_name;
  } else if (name != question.name && !holds("SOA")) {
    alias = name;
  } else if (holds("NS") && !holds("SOA") && !message.authoritative) {
    out.why = "a referral instead of an answer";
  } else {
    out.kind = Answer::Kind::nothing;
  }
  return out;
}

Answer ResolverLookups::ask_one(const DnsServer& server, Question question) {
  Answer out;
  for (int aliases = 0; aliases <= kAliases; ++aliases) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      out.why = "the whole evaluation took too long";
      return out;
    }
    const auto message =
        dns::ask(server, question, true, false, stop_, false, std::min(kPatience, left));
    if (!message) {
      out.why = message.error().message();
      return out;
    }
    std::string alias;
    out = read_answer(*message, question, alias);
    if (alias.empty()) return out;
    question.name = alias;
  }
  out.why = "a chain of more than 8 aliases";
  return out;
}

Answer ResolverLookups::ask(const Question& question) {
  Answer out;
  out.why = "no resolver to ask";
  for (const auto& server : resolvers_) {
    out = ask_one(server, question);
    if (out.kind != Answer::Kind::failed) break;
  }
  return out;
}

}  // namespace mxferry::dns
