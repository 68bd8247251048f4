// SPDX-License-Identifier: Apache-2.0
#include "plan/other_mx.hpp"

#include <algorithm>
#include <set>

#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plan {

std::vector<Finding> find_other_mx(const config::PlanFile& file, const ZoneSnapshot& zone,
                                   const DomainPlan& domain) {
  std::set<std::string> left;  // hosts of today that are not in the new set
  for (const auto& rdata : domain.mx_before)
    if (const auto mx = dns::parse_mx(rdata)) left.insert(mx->exchange);
  for (const auto& rdata : domain.mx_after)
    if (const auto mx = dns::parse_mx(rdata)) left.erase(mx->exchange);
  const auto is_domain = [&](const std::string& name) {
    return std::any_of(file.domains.begin(), file.domains.end(),
                       [&](const config::Domain& d) { return d.name + "." == name; });
  };
  std::vector<Finding> out;
  for (const auto& set : zone.rrsets) {
    if (set.type != "MX" || is_domain(set.name)) continue;
    if (!dns::is_within(set.name, domain.name + ".")) continue;
    std::string old;
    std::string other;
    for (const auto& record : set.records) {
      const auto mx = dns::parse_mx(record.rdata);
      if (!mx || mx->exchange == ".") continue;
      (left.contains(mx->exchange) ? old : other) = mx->exchange;
    }
    if (old.empty() && other.empty()) continue;
    const std::string key = set.name + "/MX";
    const std::string what = set.name.starts_with("*.")
                                 ? "the wildcard " + set.name + " receives mail"
                                 : set.name + " receives mail of its own";
    if (!old.empty())
      out.push_back(
          {"AD-03", key, Severity::warning,
           what + " at the old host " + old +
               ", and is no [[domain]] of the plan: its "
               "addresses are not counted and not moved",
           "give it a [[domain]] of its own, or accept \"AD-03:" + key + "\" with a reason", ""});
    else
      out.push_back({"AD-03", key, Severity::info,
                     what + " at " + other + ", which this migration does not touch",
                     "make sure that nobody expects it to move", ""});
  }
  return out;
}

}  // namespace mxferry::plan
