// SPDX-License-Identifier: Apache-2.0
// What earlier steps wrote: served by every authoritative server, no older answer left in any
// cache, and, behind a flip, shown by every resolver of the plan. On the run's thread; name servers
// are asked on workers.
#pragma once

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

Task<StepEnd> wait_visible(Env& env, const Step& step, const VisibleAction& action);
Task<StepEnd> converge(Env& env, const Step& step, const ConvergeAction& action);

}  // namespace mxferry::pipeline
