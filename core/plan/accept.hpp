// SPDX-License-Identifier: Apache-2.0
// [[accept]]: which findings the plan lets pass, and why. PURE. Any thread.
#pragma once

#include <vector>

#include "config/plan_file.hpp"
#include "model/finding.hpp"

namespace mxferry::plan {

/// Marks the findings that the plan accepts by "ID" or "ID:SUBJECT". AD-01 is accepted by the
/// latter alone; what the catalogue calls not waivable by neither, and its remedy says so. May be
/// called again on the same findings.
void accept_findings(const config::PlanFile& file, std::vector<Finding>& findings);

}  // namespace mxferry::plan
