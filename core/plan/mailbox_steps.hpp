// SPDX-License-Identifier: Apache-2.0
// The steps of a plan that fill the mailboxes, up to the deltas that run until a domain's flip.
// PURE. Any thread.
#pragma once

#include "config/plan_file.hpp"
#include "model/plan.hpp"

namespace mxferry::plan {

/// Accounts where the destination's plugin can make them, the pilots, then everybody's bulk and
/// deltas.
void add_mailbox_steps(Plan& plan, const config::PlanFile& file, bool dest_has_accounts);

}  // namespace mxferry::plan
