// SPDX-License-Identifier: Apache-2.0
// One look at a zone's name servers, as every step that watches DNS takes it, and the pace of
// looking. On the run's thread; name servers are asked on workers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

/// A resolver keeps an entry up to a second longer than its TTL.
inline constexpr auto kSlack = Millis(2000);

/// How often to look: often enough to be prompt, seldom enough to be polite.
Millis poll_of(std::uint32_t ttl);

/// `ttl.lowered` of the plan, in seconds.
std::uint32_t lowered_of(const Env& env);

Task<Result<dns::Delegation>> delegation_of(Env& env, std::string zone);

struct Looked {
  dns::Round round;
  Assertion verdict;  // confirmed over TCP where it is a pass
};
Task<Looked> look(Env& env, dns::Delegation delegation, std::vector<dns::Question> questions,
                  std::vector<dns::Expected> expected);

/// A verdict that is not a pass: waits a poll (nothing: look again), or ends where the run may not
/// wait.
Task<std::optional<StepEnd>> look_again(Env& env, const Step& step, Millis poll, Assertion verdict);

}  // namespace mxferry::pipeline
