// SPDX-License-Identifier: Apache-2.0
// TTL gate. The clock starts at the end of the first round in which every authoritative server
// serves the lowered TTL, restarts if one relapses, and runs for the largest TTL seen since assess
// for any set that will change (its alias chain counts, and the negative TTL where a name is new)
// plus 2 s: a resolver keeps an entry up to a second longer than its TTL.
// On the run's thread; name servers are asked on workers.
#pragma once

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

Task<StepEnd> wait_ttl(Env& env, const Step& step, const TtlWaitAction& action);

}  // namespace mxferry::pipeline
