// SPDX-License-Identifier: Apache-2.0
// MTA-STS in a plan (RFC 8461): which policy must be served before the flip and after it, under
// which id, and what stands in the way. PURE. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/finding.hpp"
#include "model/plan.hpp"

namespace mxferry::plan {

/// What was read of a domain's MTA-STS before planning.
struct StsFacts {
  std::vector<std::string> records{};  // rdata of the strings at _mta-sts that are MTA-STS records
  bool policy_host = false;            // mta-sts.DOMAIN has an address
  std::string policy{};                // the file that every address serves
  std::string problem{};               // why the file is not known; empty: it is
};

/// The way from the policy of today over one that lists both sides' hosts to one of the new alone.
struct StsPlan {
  std::string before, overlap, after;                       // policy files; before as it was served
  std::string record_before, record_overlap, record_after;  // rdata of the strings at _mta-sts
};

/// Nothing where the domain has no MTA-STS that a sender could hold against the new hosts. Findings
/// (ST-01, ST-04, ST-05) go into `findings`.
std::optional<StsPlan> plan_sts(const StsFacts& facts, const DomainPlan& domain,
                                std::vector<Finding>& findings);

/// Where a policy is served.
std::string sts_policy_url(const std::string& domain);

}  // namespace mxferry::plan
