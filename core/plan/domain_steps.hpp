// SPDX-License-Identifier: Apache-2.0
// The steps of one domain, in the order that is safe: new names, TTLs lowered and waited out,
// overlap, visible, approval, last delta, canary, flip, converge, monitor, finalize (docs/
// architecture/overview.md). PURE. Any thread.
#pragma once

#include <vector>

#include "config/plan_file.hpp"
#include "model/finding.hpp"
#include "model/plan.hpp"
#include "plan/domain_change.hpp"

namespace mxferry::plan {

/// After the mailboxes' steps (mailbox_steps.hpp), which it waits for. CN-01 goes into `findings`.
void add_domain_steps(Plan& plan, const config::PlanFile& file, const config::Domain& domain,
                      const DomainChange& change, std::vector<Finding>& findings);

}  // namespace mxferry::plan
