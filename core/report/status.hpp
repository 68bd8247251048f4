// SPDX-License-Identifier: Apache-2.0
// A compact live status for `mxferry status`: state of the run, stages, what waits and until when,
// mailboxes by state, open findings. Reads the state file alone, also while a run is at work.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "report/data.hpp"
#include "store/db.hpp"

namespace mxferry::report {

/// For people; `now` tells how long the last heartbeat is ago.
std::string status_text(const Data& data, Instant now);
/// Format "mxferry-status/1", docs/operate/report.md.
std::string status_json(const Data& data, Instant now);

Result<std::string> status_text(store::Db& db, Instant now = SystemClock().now());
Result<std::string> status_json(store::Db& db, Instant now = SystemClock().now());

}  // namespace mxferry::report
