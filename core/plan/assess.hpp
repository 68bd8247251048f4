// SPDX-License-Identifier: Apache-2.0
// What an inventory means for the plan: does the mailbox fit at the destination, will its largest
// message be taken, which folders will be called otherwise, what is left out. And the inventory as
// JSON, as it stands in the state. PURE. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "config/plan_file.hpp"
#include "model/finding.hpp"
#include "model/inventory.hpp"

namespace mxferry::plan {

/// MB-08 (no answer there), QU-01 (cannot fit), QU-02 (above 90 %), SZ-01 (a message above the limit), FO-01 (renamed
/// folders), FO-02 (other users' and shared folders). `message_bytes`: what the destination's
/// profile says that it takes; the server's own APPENDLIMIT counts before it.
std::vector<Finding> judge_inventory(const config::PlanFile& file, const MailboxInventory& box,
                                     std::optional<std::uint64_t> message_bytes);

Json to_json(const MailboxInventory& box);
Result<MailboxInventory> inventory_from_json(std::string_view text, std::string_view where);
Json to_json(const SeenAddresses& seen);
Result<SeenAddresses> seen_from_json(std::string_view text, std::string_view where);

/// "12.3 GB", decimal, for people.
std::string print_bytes(std::uint64_t bytes);

}  // namespace mxferry::plan
