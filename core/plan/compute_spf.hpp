// SPDX-License-Identifier: Apache-2.0
// SPF in a plan (RFC 7208): the record for the time in which both providers send, solved and proven
// by sets of addresses, and what of it nobody can prove. The answers of DNS come through Lookups:
// pure but for what they do; one thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/plan_file.hpp"
#include "model/finding.hpp"
#include "model/zone.hpp"
#include "protocol/dns/ip_set.hpp"
#include "protocol/dns/lookup.hpp"

namespace mxferry::plan {

/// Records as texts; empty: none.
struct SpfPlan {
  std::string before, overlap, after;
};

/// The way from the record of today over one for both sides to that of the new provider. Where no
/// record for both can be computed, `overlap` is that of today and a finding blocks the plan.
/// Findings (SPF-01 to SPF-04, SPF-07 to SPF-09, SPF-12) go into `findings`.
SpfPlan plan_spf(const config::Domain& domain, const ZoneSnapshot& zone, dns::Lookups& lookups,
                 std::vector<Finding>& findings);

/// What passes by a record.
struct SpfPasses {
  dns::IpSet proven{};
  std::set<std::string> outside{};  // terms of which only the receiver can tell
  std::string unknown{};            // why nothing is known; empty: it is
};

/// What passes by the record `text` at a receiver that sees these MX (rdata) for the domain.
SpfPasses spf_passes(const std::string& domain, const std::string& text,
                     const std::vector<std::string>& mx, const ZoneSnapshot& zone,
                     dns::Lookups& lookups);

/// Asks all that planning and judging the domain's SPF will ask, and nothing else.
void look_up_spf(const config::Domain& domain, const ZoneSnapshot& zone, dns::Lookups& lookups);

}  // namespace mxferry::plan
