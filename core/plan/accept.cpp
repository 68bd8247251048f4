// SPDX-License-Identifier: Apache-2.0
#include "plan/accept.hpp"

#include "model/finding_catalog.hpp"

namespace mxferry::plan {

void accept_findings(const config::PlanFile& file, std::vector<Finding>& findings) {
  const std::string never = "; [[accept]] does not apply: this one cannot be accepted";
  for (auto& finding : findings) {
    const auto* entry = find_finding(finding.id);
    for (const auto& accept : file.accept) {
      const bool by_name = accept.id == finding.id + ":" + finding.subject;
      const bool by_id = accept.id == finding.id && finding.id != "AD-01";
      if (!by_name && !by_id) continue;
      if (entry == nullptr || entry->waivable)
        finding.accepted = accept.reason;
      else if (!finding.remedy.ends_with(never))
        finding.remedy += never;
    }
  }
}

}  // namespace mxferry::plan
