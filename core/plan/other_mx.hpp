// SPDX-License-Identifier: Apache-2.0
// Names of a zone that receive mail and that the plan does not speak of (AD-03): subdomains and
// wildcards with an MX. What their mail arrives at is not counted and not moved. PURE. Any thread.
#pragma once

#include <vector>

#include "config/plan_file.hpp"
#include "model/finding.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"

namespace mxferry::plan {

/// AD-03 with the subject "NAME/MX": a warning where the MX is a host that `domain` leaves, else
/// only told. Names at or below the domain alone.
std::vector<Finding> find_other_mx(const config::PlanFile& file, const ZoneSnapshot& zone,
                                   const DomainPlan& domain);

}  // namespace mxferry::plan
