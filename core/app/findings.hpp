// SPDX-License-Identifier: Apache-2.0
// What commands do with findings: JSON, and the exit code that they ask for. Any thread.
#pragma once

#include <vector>

#include "app/command.hpp"
#include "base/json_reader.hpp"
#include "model/finding.hpp"

namespace mxferry::app {

Json to_json(const std::vector<Finding>& findings);
/// One that blocks, and that the plan does not accept.
bool has_blocks(const std::vector<Finding>& findings);
/// One of at least warning that the plan does not accept.
bool has_warnings(const std::vector<Finding>& findings);
/// refused, findings or done.
Exit exit_for(const std::vector<Finding>& findings);

}  // namespace mxferry::app
