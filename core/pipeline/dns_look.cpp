// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dns_look.hpp"

#include <algorithm>

namespace mxferry::pipeline {

Millis poll_of(std::uint32_t ttl) {
  return Millis(std::clamp<std::int64_t>(static_cast<std::int64_t>(ttl) * 1000 / 20, 500, 60'000));
}

std::uint32_t lowered_of(const Env& env) {
  const auto it = env.plan.policy.find("ttl.lowered");
  return it == env.plan.policy.end() ? 300U : static_cast<std::uint32_t>(std::stoul(it->second));
}

Task<Result<dns::Delegation>> delegation_of(Env& env, std::string zone) {
  auto* eyes = &env.eyes;
  auto work = [eyes, zone, stop = env.stop] { return eyes->delegation(zone, stop); };
  co_return co_await on_worker(env, std::move(work));
}

Task<Looked> look(Env& env, dns::Delegation delegation, std::vector<dns::Question> questions,
                  std::vector<dns::Expected> expected) {
  auto* eyes = &env.eyes;
  auto work = [eyes, delegation, questions, expected, stop = env.stop] {
    Looked out;
    out.round = eyes->round(delegation, questions, stop);
    out.verdict = dns::check(out.round, expected);
    if (out.verdict.passed()) out.verdict = eyes->confirmed(delegation, expected, stop);
    return out;
  };
  co_return co_await on_worker(env, std::move(work));
}

Task<std::optional<StepEnd>> look_again(Env& env, const Step& step, Millis poll,
                                        Assertion verdict) {
  const Instant t = env.clock.now() + poll;
  const auto waited = co_await wait_until(env, step, t, verdict.why);
  if (waited == Waited::go_on) co_return std::nullopt;
  co_return end_of(waited, t, verdict.why);
}

}  // namespace mxferry::pipeline
