// SPDX-License-Identifier: Apache-2.0
// The steps that tell people: a mail to each audience at least `notice.lead` before the flip, and
// one after it. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "config/plan_file.hpp"
#include "model/plan.hpp"

namespace mxferry::plan {

/// Those before the flip of `domain`, once its mailboxes are copied; adds to `ready`, what the
/// approval of the flip waits for. Nothing where the plan has no [notice].
void add_notices_before(Plan& plan, const config::PlanFile& file, const std::string& domain,
                        const std::vector<std::string>& mailboxes, std::vector<std::string>& ready);
/// Those after it, once mail is proven to arrive by the public route.
void add_notices_after(Plan& plan, const config::PlanFile& file, const std::string& domain);

}  // namespace mxferry::plan
