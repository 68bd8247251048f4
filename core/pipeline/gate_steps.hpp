// SPDX-License-Identifier: Apache-2.0
// The steps at which a run asks whether it may go on: approval, MB-01, canaries, plan durations. On
// the run's thread.
#pragma once

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

Task<StepEnd> approval(Env& env, const Step& step, const ApproveAction& action);
/// MB-01: every mailbox of the domain copied, its last delta younger than delta.max_age, none
/// parked, verify clean. A stale one is brought up to date here; a parked one holds unless the plan
/// accepts "MB-01:ADDRESS" with a reason.
Task<StepEnd> mailbox_gate(Env& env, const Step& step, const GateAction& action);
Task<StepEnd> canary(Env& env, const Step& step, const CanaryAction& action);
/// A canary that was sent twice, because a kill or a lost answer left open whether it had been
/// sent: the copy that came later goes, too.
Task<Result<void>> remove_late_canaries(Env& env, const std::string& domain);
Task<StepEnd> plan_wait(Env& env, const Step& step, const WaitAction& action);

}  // namespace mxferry::pipeline
