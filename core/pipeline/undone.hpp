// SPDX-License-Identifier: Apache-2.0
// What an undo of a plan's mailbox means for the plan's run: may it be, and that the run copies the
// mailbox anew before anything that relies on its mail. On the run's thread, no run under way.
#pragma once

#include <optional>
#include <string>

#include "config/plan_file.hpp"
#include "pipeline/run_store.hpp"

namespace mxferry::pipeline {

/// A domain of the mailbox whose MX is at the destination, or may be: its flip was begun and not
/// rolled back. Nothing: its users read their mail at the source.
Result<std::optional<std::string>> moved_domain(RunStore& store, const Plan& plan,
                                                const config::Mailbox& box);

/// Parks the mailbox; its copies, its verify and the gates that rely on them are to be done again,
/// which the next run begins with. To be stored before the first message goes.
Result<void> note_undone(RunStore& store, const Plan& plan, const config::Mailbox& box);

}  // namespace mxferry::pipeline
