// SPDX-License-Identifier: Apache-2.0
// The part of a report that assess found out: what was in the mailboxes, and how long copying
// takes. Any thread.
#pragma once

#include <string>

#include "report/data.hpp"
#include "store/db.hpp"

namespace mxferry::report {

/// The last inventory of each mailbox and the last estimate. What cannot be read is a problem of
/// the report.
Result<void> read_inventory(store::Db& db, Data& out);

/// "1 h to 2 h (measured)", or "".
std::string estimate_text(const Data& data);

/// A table of the mailboxes that were looked at, without its heading; empty where there is none.
std::string inventory_html(const Data& data);

}  // namespace mxferry::report
