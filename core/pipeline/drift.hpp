// SPDX-License-Identifier: Apache-2.0
// Drift: has somebody changed an RRset that this run wrote? Asked of every authoritative server;
// what cannot be asked says nothing. mxferry never writes over another's change. The run's thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

/// What must be served: the whole data of a set, or strings of a TXT set among others.
struct Managed {
  bool whole = false;
  std::vector<std::string> data{};
  bool operator==(const Managed&) const = default;
};
using ManagedSets = std::map<std::pair<std::string, std::string>, Managed>;  // by name, type

/// What the DNS steps of `domain` for which `is_done` say, in their order. Pure.
ManagedSets managed_sets(const Plan& plan, const std::string& domain,
                         const std::function<bool(const std::string& step)>& is_done);

/// Is `seen` (rdata of one server) what `managed` says? Pure.
bool is_as_managed(const std::string& type, const Managed& managed,
                   const std::vector<std::string>& seen);

/// A finding DR-01 and an alert for each set that any server serves otherwise.
Task<Result<void>> look_for_drift(Env& env, const DomainPlan& domain);

}  // namespace mxferry::pipeline
