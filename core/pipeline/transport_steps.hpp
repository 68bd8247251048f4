// SPDX-License-Identifier: Apache-2.0
// What senders demand of the new hosts before they deliver: the MTA-STS policy that a person serves
// (RFC 8461), STARTTLS, certificates, TLSA (RFC 7672). On the run's thread.
#pragma once

#include "model/finding.hpp"
#include "pipeline/env.hpp"

namespace mxferry::pipeline {

/// Shows what a person has to put in place and looks whether it is there: at once, soon, and then
/// each minute of wall time. With --no-wait it ends as `person`.
Task<StepEnd> manual_step(Env& env, const Step& step, const ManualAction& action);

/// The gate MTA-STS/DANE: each new MX host at each address has STARTTLS (TL-01), is proven for its
/// name by a CA if the policy enforces (ST-07), matches its TLSA records if they are secure
/// (DA-01), and stands in the policy that every address serves under the id that the plan gave it
/// (ST-04).
Task<StepEnd> transport_gate(Env& env, const Step& step, const GateAction& action);

/// Tells the run's watcher which policy file to serve, and where.
void show_policy(Env& env, const std::string& domain, const std::string& text);

/// Does the plan accept this very id (ID:SUBJECT)? Then it is journalled once, with its reason, and
/// stands among the findings of the report. Never true for a finding that cannot be accepted.
Result<bool> waived(Env& env, const std::string& step, const Finding& finding);

}  // namespace mxferry::pipeline
