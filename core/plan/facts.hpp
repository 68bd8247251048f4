// SPDX-License-Identifier: Apache-2.0
// What was read of the world before a plan is computed. Plain values, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/zone.hpp"
#include "plan/compute_sts.hpp"
#include "plan/old_hosts.hpp"
#include "protocol/dns/remembered_lookups.hpp"

namespace mxferry::plan {

/// What was read about a zone before planning.
struct ZoneFacts {
  ZoneSnapshot snapshot;
  std::uint32_t min_ttl = 0;                  // the API's floor, seconds
  std::map<std::string, StsFacts> sts{};      // by domain; missing: no MTA-STS
  std::map<std::string, OldSide> old_side{};  // by domain
};

struct Facts {
  std::map<std::string, ZoneFacts> zones;  // by zone name, absolute
  dns::Answers answers{};                  // what SPF records lead to: look_up_spf asked it
  bool dest_has_accounts = false;          // the destination's provider plugin can create accounts
  std::vector<std::string> not_moved;      // what the providers' profiles say is not moved
};

}  // namespace mxferry::plan
