// SPDX-License-Identifier: Apache-2.0
#include "dns/convergence.hpp"

#include <algorithm>
#include <functional>

#include "base/crash_point.hpp"
#include "dns/at_once.hpp"
#include "dns/delegation.hpp"
#include "dns/signatures.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::dns {
namespace {

constexpr std::chrono::seconds kSlack{2};  // resolvers keep an entry up to a second longer

bool shows_data(const Seen& seen, const Expected& expected) {
  if (!expected.data_matters) return true;
  if (expected.rdata.empty()) return seen.kind == Seen::Kind::absent || !seen.alias.empty();
  return seen.kind == Seen::Kind::present &&
         same_set(expected.question.type, seen.rdata, expected.rdata);
}

}  // namespace

std::optional<Behind> check_resolver(const std::string& who, const Seen& seen,
                                     const Expected& expected) {
  Behind out;
  out.kind = Behind::Kind::resolver;
  out.who = who;
  out.question = expected.question;
  if (seen.kind == Seen::Kind::unknown) {
    out.answered = false;
    out.why = seen.why;
    return out;
  }
  const bool present = seen.kind == Seen::Kind::present;
  out.ttl_left = present ? std::max(seen.ttl, seen.alias_ttl) : seen.negative_ttl;
  if (!shows_data(seen, expected)) {
    out.why = "answers " + data_text(seen.rdata);
    return out;
  }
  // The new data of a set whose TTL was lowered: the old entry still counts down.
  if (present && seen.alias.empty() && expected.ttl && seen.ttl > *expected.ttl) {
    out.why = "holds it with the old TTL";
    return out;
  }
  return std::nullopt;
}

Convergence::Convergence(std::string zone, std::vector<Expected> expected, Network network,
                         const Clock& clock)
    : zone_(std::move(zone)),
      expected_(std::move(expected)),
      network_(std::move(network)),
      clock_(clock) {}

std::vector<Behind> Convergence::ask_authorities(const Delegation& delegation, bool tcp,
                                                 std::stop_token stop) const {
  std::vector<Question> questions;
  for (const auto& want : expected_) questions.push_back(want.question);
  const auto round = ask_all(delegation, questions, tcp, std::move(stop));
  std::vector<Behind> out;
  for (const auto& silent : round.silent) {
    Behind behind;
    behind.who = silent;
    behind.question = {zone_, "NS"};
    behind.answered = false;
    behind.why = "has no address that can be reached from here";
    out.push_back(std::move(behind));
  }
  for (const auto& want : expected_) {
    for (const auto& view : round.views) {
      if (view.question != want.question) continue;
      const auto verdict = check_view(view, want);
      if (verdict.passed()) continue;
      Behind behind;
      behind.who = view.server + " (" + view.address.name() + ")";
      behind.question = want.question;
      behind.answered = view.seen.kind != Seen::Kind::unknown;
      behind.why = !behind.answered ? view.seen.why
                   : view.seen.kind == Seen::Kind::absent
                       ? "answers nothing"
                       : "answers " + data_text(view.seen.rdata) + " with TTL " +
                             std::to_string(view.seen.ttl);
      out.push_back(std::move(behind));
    }
  }
  return out;
}

// The data is right and only its TTL is above what is served: waited out once, as long as it was
// when it was first met. A resolver that shows it again after that keeps entries longer than their
// TTL says.
bool Convergence::has_floor(const Behind& behind, const Seen& seen, const Expected& expected) {
  if (!behind.answered || !shows_data(seen, expected)) return false;
  const auto until = clock_.now() + std::chrono::seconds(seen.ttl) + kSlack;
  const auto key = behind.who + " " + behind.question.name + " " + behind.question.type;
  const auto [met, first] = runs_out_.try_emplace(key, until);
  if (first || clock_.now() < met->second) return false;
  if (std::find(floors_.begin(), floors_.end(), behind.who) == floors_.end())
    floors_.push_back(behind.who);
  return true;
}

std::vector<Behind> Convergence::ask_resolvers(std::stop_token stop) {
  struct Answer {
    std::string who;
    const Expected* want;
    std::function<Seen(const Question&)> ask;
    Seen seen{};
  };
  std::vector<Answer> answers;
  const auto add = [&](const auto& resolvers, const auto& name_of) {
    for (const auto& resolver : resolvers)
      for (const auto& want : expected_)
        answers.push_back({name_of(resolver), &want, [&resolver, &stop](const Question& question) {
                             return ask_resolver(resolver, question, stop);
                           }});
  };
  if (network_.doh.empty())
    add(network_.resolvers, [](const DnsServer& one) { return one.name(); });
  else
    add(network_.doh, [](const net::DohServer& one) { return one.url; });
  at_once(answers.size(),
          [&](std::size_t i) { answers[i].seen = answers[i].ask(answers[i].want->question); });
  std::vector<Behind> out;
  for (const auto& answer : answers) {
    auto behind = check_resolver(answer.who, answer.seen, *answer.want);
    if (behind && !has_floor(*behind, answer.seen, *answer.want)) out.push_back(*behind);
  }
  return out;
}

Result<std::vector<Behind>> Convergence::look_indirectly(std::stop_token stop) {
  if (!everywhere_) {
    MXF_TRY(soa, indirect_soa(zone_, network_.doh, stop));
    everywhere_ = network_.published + publication_bound(soa, network_.publish_delay);
  }
  const auto left = std::chrono::ceil<std::chrono::seconds>(*everywhere_ - clock_.now());
  if (left.count() <= 0) return ask_resolvers(stop);
  Behind behind;
  behind.who = "the servers of " + zone_;
  behind.question = {zone_, "SOA"};
  behind.answered = false;
  behind.why =
      "cannot be asked, and a secondary may be behind until its REFRESH and RETRY have "
      "passed";
  behind.ttl_left = static_cast<std::uint32_t>(left.count());
  return std::vector<Behind>{std::move(behind)};
}

Result<std::vector<Behind>> Convergence::look(std::stop_token stop) {
  if (!network_.doh.empty()) return look_indirectly(std::move(stop));
  Walker walker(network_.roots, network_.authority_port);
  MXF_TRY(delegation, walker.zone_of(zone_, stop));
  if (delegation.zone != zone_)
    return fail(ErrorCode::not_found, "delegation of " + zone_,
                "it is no zone of its own: " + delegation.zone + " holds the name");
  for (int round = 0; round <= kConfirmations; ++round) {
    auto behind = ask_authorities(delegation, round > 0, stop);
    crash_point("wait.authorities");
    if (!behind.empty()) return behind;
  }
  MXF_TRY(ds, walker.ds_of(zone_, stop));
  if (ds.kind == Seen::Kind::present) {
    std::vector<Question> questions;
    for (const auto& want : expected_) questions.push_back(want.question);
    const auto verdict =
        check_signatures(delegation, questions, {clock_.now(), network_.overlap}, stop);
    if (!verdict.passed()) {
      Behind behind;
      behind.who = "the signatures of " + zone_;
      behind.question = {zone_, "RRSIG"};
      behind.answered = verdict.verdict != Assertion::Verdict::unknown;
      behind.why = verdict.why;
      return std::vector<Behind>{std::move(behind)};
    }
  }
  auto behind = ask_resolvers(stop);
  crash_point("wait.resolvers");
  return behind;
}

}  // namespace mxferry::dns
