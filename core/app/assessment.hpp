// SPDX-License-Identifier: Apache-2.0
// Assessment: what check and plan learn of the world before a run: the zones, every mailbox, the
// old MX; with the findings of all of it and an estimate of the time. It reads and writes nothing.
// Main thread.
#pragma once

#include <string>
#include <vector>

#include "app/migration.hpp"
#include "model/inventory.hpp"
#include "plan/compute.hpp"
#include "plan/estimate.hpp"

namespace mxferry::app {

struct Assessment {
  plan::Computed computed;  // all findings are here
  std::vector<MailboxInventory> mailboxes;
  std::vector<std::string> not_read;  // mailboxes that could not be looked at
  SeenAddresses seen;
  plan::Interval estimate;
};

/// Reads everything; a progress line on a terminal. ErrorCode::cancelled at a signal.
Result<Assessment> assess(Migration& migration);

/// A table for people: a line a mailbox, the sum, aliases, the estimate, what is not moved.
std::string print(const Assessment& assessment, const config::PlanFile& file);
/// The same as JSON (docs/operate/check.md).
Json to_json(const Assessment& assessment, const config::PlanFile& file);
/// RFC 4180, a line a mailbox; cells that a spreadsheet would run are neutralised.
std::string to_csv(const Assessment& assessment);

}  // namespace mxferry::app
