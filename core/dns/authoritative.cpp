// SPDX-License-Identifier: Apache-2.0
#include "dns/authoritative.hpp"

#include <algorithm>

#include "dns/at_once.hpp"
#include "dns/soa.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::dns {
std::string data_text(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
  return out.empty() ? "nothing" : out;
}

Assertion check_view(const View& view, const Expected& expected) {
  const std::string who = view.server + " (" + view.address.name() + ")";
  const std::string what = expected.question.name + " " + expected.question.type;
  const Seen& seen = view.seen;
  if (seen.kind == Seen::Kind::unknown)
    return Assertion::unknown(who + " for " + what + ": " + seen.why);
  if (expected.data_matters) {
    if (expected.rdata.empty()) {
      // A name that is an alias has no set of its own beside it (RFC 1034 §3.6.2).
      if (seen.kind != Seen::Kind::absent && seen.alias.empty())
        return Assertion::fail(who + " still serves " + what, "wait until it has the new zone");
      return Assertion::pass();
    }
    if (seen.kind != Seen::Kind::present ||
        !same_set(expected.question.type, seen.rdata, expected.rdata))
      return Assertion::fail(who + " serves " + data_text(seen.rdata) + " for " + what,
                             "wait until it has the new zone, or look at its transfers");
  }
  if (expected.most_ttl && seen.kind == Seen::Kind::present && seen.ttl > *expected.most_ttl)
    return Assertion::fail(who + " serves " + what + " with TTL " + std::to_string(seen.ttl),
                           "wait until it has the lowered TTL");
  if (expected.ttl && seen.kind == Seen::Kind::present && seen.ttl != *expected.ttl)
    return Assertion::fail(who + " serves " + what + " with TTL " + std::to_string(seen.ttl) +
                               " instead of " + std::to_string(*expected.ttl),
                           "wait until it has the new zone");
  return Assertion::pass();
}

Round ask_all(const Delegation& delegation, const std::vector<Question>& questions, bool tcp,
              std::stop_token stop) {
  Round round;
  for (const auto& server : delegation.servers) {
    if (server.addresses.empty()) round.silent.push_back(server.name);
    for (const auto& address : server.addresses)
      for (const auto& question : questions)
        round.views.push_back({server.name, address, question, {}});
  }
  at_once(round.views.size(), [&](std::size_t i) {
    auto& view = round.views[i];
    view.seen = ask_authoritative(view.address, delegation.zone, view.question, tcp, stop);
  });
  return round;
}

Assertion check(const Round& round, const std::vector<Expected>& expected) {
  if (!round.silent.empty())
    return Assertion::unknown(data_text(round.silent) +
                              " cannot be asked: no address with a route from here");
  if (round.views.empty()) return Assertion::unknown("no name server was asked");
  Assertion worst = Assertion::pass("every authoritative server agrees");
  for (const auto& want : expected) {
    bool asked = false;
    for (const auto& view : round.views) {
      if (view.question != want.question) continue;
      asked = true;
      auto one = check_view(view, want);
      if (one.verdict == Assertion::Verdict::fail) return one;
      if (one.verdict == Assertion::Verdict::unknown && worst.passed()) worst = std::move(one);
    }
    if (!asked)
      return Assertion::unknown("nobody was asked for " + want.question.name + " " +
                                want.question.type);
  }
  return worst;
}

Assertion confirmed(const Delegation& delegation, const std::vector<Expected>& expected,
                    std::stop_token stop) {
  std::vector<Question> questions;
  for (const auto& want : expected) questions.push_back(want.question);
  auto verdict = check(ask_all(delegation, questions, false, stop), expected);
  for (int i = 0; i < kConfirmations && verdict.passed(); ++i)
    verdict = check(ask_all(delegation, questions, true, stop), expected);
  return verdict;
}

std::optional<std::uint32_t> largest_ttl(const Round& round, const Question& question) {
  std::optional<std::uint32_t> most;
  for (const auto& view : round.views) {
    if (view.question != question || view.seen.kind != Seen::Kind::present) continue;
    const auto ttl = std::max(view.seen.ttl, view.seen.alias_ttl);
    most = most ? std::max(*most, ttl) : ttl;
  }
  return most;
}

Result<std::uint32_t> negative_ttl(const Delegation& delegation, std::stop_token stop) {
  const auto round = ask_all(delegation, {{delegation.zone, "SOA"}}, false, stop);
  std::optional<std::uint32_t> most;
  for (const auto& view : round.views) {
    if (view.seen.kind != Seen::Kind::present || view.seen.rdata.empty()) continue;
    const auto soa = parse_soa(view.seen.rdata.front());
    if (!soa) continue;
    const auto ttl = negative_ttl_of(*soa, view.seen.ttl);
    most = most ? std::max(*most, ttl) : ttl;
  }
  if (!most)
    return fail(ErrorCode::network, "SOA of " + delegation.zone,
                "no authoritative server gave one");
  return *most;
}

}  // namespace mxferry::dns
