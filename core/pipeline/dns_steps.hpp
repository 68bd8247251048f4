// SPDX-License-Identifier: Apache-2.0
// The steps that write DNS, and what their journal says was written. On the run's thread; APIs are
// asked on workers.
#pragma once

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

Task<StepEnd> change_dns(Env& env, const Step& step, const DnsChangeAction& action);

/// Splits "name/type" (a name may hold no '/': the last one counts).
dns::Question question_of(const std::string& key);

/// The changes of the step's writes that were begun and whose end is not recorded, oldest first.
Result<std::vector<ZoneChange>> begun_changes(RunStore& store, const std::string& zone,
                                              const std::string& step);

/// The sets that an edit list leaves behind, by "name/type", from the journalled writes of the
/// steps; nothing: deleted.
Result<std::map<std::string, std::optional<ZoneRRset>>> written_sets(
    RunStore& store, const std::string& zone, const std::vector<std::string>& steps);

}  // namespace mxferry::pipeline
