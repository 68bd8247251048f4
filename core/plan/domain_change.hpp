// SPDX-License-Identifier: Apache-2.0
// What a migration writes into a domain's zone: new names, the flip and its way back, TTLs to
// lower, and what of it cannot be. In which order is domain_steps' matter. PURE. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/plan_file.hpp"
#include "model/finding.hpp"
#include "model/plan.hpp"
#include "plan/compute_sts.hpp"
#include "plan/facts.hpp"

namespace mxferry::plan {

struct DomainChange {
  DomainPlan plan;                     // what stands before, between and after; flip and unflip
  std::string apex;                    // canonical
  std::uint32_t lowered = 0;           // TTL, seconds: what the API will really give
  bool apex_has_txt = false;           // today
  std::vector<DnsEdit> names{};        // new names and added strings
  std::vector<DnsEdit> lower{};        // TTLs of what overlap and flip write
  std::vector<std::string> flip_sets;  // "name/type"
  std::optional<StsPlan> sts{};
};

/// Findings go into `findings`. ErrorCode::config where the plan file and the zone cannot be
/// brought together at all.
Result<DomainChange> change_of(const config::PlanFile& file, const config::Domain& domain,
                               const Facts& facts, std::vector<Finding>& findings);

/// The rdata of a DKIM key as the zone is to hold it.
Result<std::string> dkim_rdata(const config::DkimKey& key);

}  // namespace mxferry::plan
