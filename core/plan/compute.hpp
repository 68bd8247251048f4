// SPDX-License-Identifier: Apache-2.0
// config + what was read of the world -> the plan: which steps, in which order, with which before
// and after. PURE: no socket, clock or file, so that the order is tested without fakes. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/plan_file.hpp"
#include "model/finding.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"
#include "plan/compute_sts.hpp"
#include "plan/old_hosts.hpp"
#include "protocol/dns/spf.hpp"

namespace mxferry::plan {

/// What was read about a zone before planning.
struct ZoneFacts {
  ZoneSnapshot snapshot;
  std::uint32_t min_ttl = 0;                       // the API's floor, seconds
  std::vector<dns::SpfExpansion> spf_addresses{};  // of the apex's `a` and `mx` at this moment
  std::map<std::string, StsFacts> sts{};           // by domain; missing: no MTA-STS
  std::map<std::string, OldSide> old_side{};       // by domain
};

struct Facts {
  std::map<std::string, ZoneFacts> zones;  // by zone name, absolute
  bool dest_has_accounts = false;          // the destination's provider plugin can create accounts
  std::vector<std::string> not_moved;      // what the providers' profiles say is not moved
};

struct Computed {
  Plan plan;
  std::vector<Finding> findings;
};

/// The plan, with its hash. Block findings do not stop the computation: the caller shows all of
/// them and refuses to run. ErrorCode::config where the plan file and the zone cannot be brought
/// together at all (a zone without facts, an SPF record that cannot be read).
Result<Computed> compute(const config::PlanFile& file, const Facts& facts);

/// The TTL that an API with this floor will really give.
std::uint32_t effective_ttl(std::uint32_t wanted, std::uint32_t floor);

}  // namespace mxferry::plan
