// SPDX-License-Identifier: Apache-2.0
// The report of a migration, from its state file alone: report.json (docs/operate/report.md names
// its fields), report.html (one file, nothing loaded from outside), mailboxes.csv. Reads the state
// and never writes to it. One thread at a time per Db.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "report/data.hpp"
#include "store/db.hpp"

namespace mxferry::report {

/// Everything that the report says. ErrorCode::store where the file cannot be read; a damaged plan
/// or journal body is a line of Data::problems, not an error: a report is wanted most then.
Result<Data> collect(store::Db& db);

std::string to_json(const Data& data);
std::string to_html(const Data& data);
std::string to_csv(const Data& data);

/// Writes the three files into `dir` (made 0700; the files are 0600 and replaced whole).
Result<void> write(store::Db& db, const std::filesystem::path& dir);

}  // namespace mxferry::report
