// SPDX-License-Identifier: Apache-2.0
// The cache-mix check: after each step of a plan that writes, caches may hold old and new values of
// MX, SPF, DKIM, DMARC and MTA-STS in any combination. A value is gone only when a gate that comes
// before the step has waited for it. Every combination that may be held must deliver mail and let
// both sides' mail pass; so the safe order is computed, not believed. PURE. Any thread.
//
//   after step S, of one record:   value written by W may be held  <=>  W does not come after S,
//   and
//                                  no gate before S has waited out a write that came after W
//   an MTA-STS policy is gone      <=>  file served -> id changed -> id visible -> hold waited
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/finding.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"
#include "protocol/dns/remembered_lookups.hpp"

namespace mxferry::plan {

/// What stands before the plan's first write.
struct MixFacts {
  ZoneSnapshot zone;
  dns::Answers answers{};                     // what the records lead to (look_up_spf)
  std::map<std::string, std::string> dkim{};  // "name/type" -> rdata that the new side signs with
};

/// What plan_wait steps are called that the check counts as proof.
inline constexpr const char* kWaitStsHold = "mta_sts hold";
inline constexpr const char* kWaitSpfOverlap = "spf overlap";

/// CM-01 findings, one for each step and kind of harm: the sentence names the combination. Empty:
/// the plan's order is safe for this domain.
std::vector<Finding> check_cache_mix(const Plan& plan, const DomainPlan& domain,
                                     const MixFacts& facts);

}  // namespace mxferry::plan
