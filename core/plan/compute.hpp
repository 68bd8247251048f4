// SPDX-License-Identifier: Apache-2.0
// config + what was read of the world -> the plan: which steps, in which order, with which before
// and after. PURE: no socket, clock or file, so that the order is tested without fakes. Any thread.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "config/plan_file.hpp"
#include "model/finding.hpp"
#include "model/plan.hpp"
#include "plan/facts.hpp"

namespace mxferry::plan {

struct Computed {
  Plan plan;
  std::vector<Finding> findings;
};

/// The plan, with its hash. Block findings do not stop the computation: the caller shows all of
/// them and refuses to run. ErrorCode::config where the plan file and the zone cannot be brought
/// together at all (a zone without facts, an SPF record that cannot be read).
Result<Computed> compute(const config::PlanFile& file, const Facts& facts);

}  // namespace mxferry::plan
