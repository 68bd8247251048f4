// SPDX-License-Identifier: Apache-2.0
// The survey: what is read of the world before a plan is computed: zones by their API, what SPF
// records lead to, the MTA-STS policy. Reads only. Blocking.
#pragma once

#include <functional>
#include <map>
#include <stop_token>

#include "base/error.hpp"
#include "config/plan_file.hpp"
#include "pipeline/env.hpp"
#include "plan/compute.hpp"

namespace mxferry::pipeline {

/// `fetch` reads MTA-STS policies.
Result<plan::Facts> survey(const config::PlanFile& file, std::map<std::string, DnsApi*>& dns,
                           DnsEyes& eyes, const ReadPolicy& fetch, std::stop_token stop);

}  // namespace mxferry::pipeline
