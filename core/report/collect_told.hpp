// SPDX-License-Identifier: Apache-2.0
// The report's part about people: who was told by notices and alerts, and who still sends to the
// old server. Used by collect() alone; what it reads has been read already. One thread.
#pragma once

#include "base/json_reader.hpp"
#include "model/plan.hpp"
#include "report/data.hpp"
#include "store/db.hpp"

namespace mxferry::report {

/// An observation `straggler-from`.
void add_sender(const ObservationLine& seen, const Json& json, Data& out);
/// From the plan's steps, their states and the observations in `out`.
void read_notices(const Plan& plan, Data& out);
Result<void> read_alerts(store::Db& db, Data& out);

}  // namespace mxferry::report
