// SPDX-License-Identifier: Apache-2.0
// The plan and its findings as text for people: one line a step, the DNS edits as a diff. Pure, any
// thread.
#pragma once

#include <string>
#include <vector>

#include "model/finding.hpp"
#include "model/plan.hpp"

namespace mxferry::plan {

std::string print(const Plan& plan);
std::string print(const std::vector<Finding>& findings);
std::string print(const DnsEdit& edit);
/// Lines "- step only in old", "+ step only in new", "~ step that differs"; empty when the plans do
/// the same.
std::string diff(const Plan& frozen, const Plan& fresh);

}  // namespace mxferry::plan
