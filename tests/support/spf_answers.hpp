// SPDX-License-Identifier: Apache-2.0
// What the survey finds out about SPF, from lines of DNS (scripted_lookups.hpp).
#pragma once

#include <map>
#include <string>

#include "config/plan_file.hpp"
#include "plan/compute_spf.hpp"
#include "plan/facts.hpp"
#include "protocol/dns/remembered_lookups.hpp"
#include "support/scripted_lookups.hpp"

namespace mxferry::test {

inline const char* const kSpfWorld = R"(
mx.old.test A 192.0.2.1
mx.new.test A 203.0.113.7
new.test TXT "v=spf1 ip4:203.0.113.0/24 ~all"
older.test TXT "v=spf1 ip4:198.51.100.1 ptr -all"
)";

inline dns::Answers spf_answers(const config::PlanFile& file,
                                const std::map<std::string, plan::ZoneFacts>& zones,
                                const std::string& world) {
  ScriptedLookups scripted(world);
  dns::RememberedLookups asked(scripted);
  for (const auto& domain : file.domains)
    plan::look_up_spf(domain, zones.at(domain.dns.zone).snapshot, asked);
  return asked.answers();
}

}  // namespace mxferry::test
