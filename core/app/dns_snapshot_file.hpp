// SPDX-License-Identifier: Apache-2.0
// The snapshot that `mxferry dns apply` writes before it writes anything else: the whole zone as it
// was, and what the apply is about to change. From it a second apply goes on and a restore goes
// back. A digest over all of it shows a file that was cut or edited. Pure.
//
//   mxferry-dns-snapshot/1  {"plugin", "zone", "rrsets": as of mxferry-zone/1,
//                            "changes": [{"before": RRset or null, "after": RRset or null}],
//                            "digest": SHA-256 of the canonical JSON of the rest}
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/zone.hpp"

namespace mxferry::app {

struct AppliedSnapshot {
  std::string plugin;
  ZoneSnapshot before;
  std::vector<ZoneChange> changes;
};

std::string snapshot_text(const AppliedSnapshot& snapshot);
/// What tells this snapshot from any other.
std::string snapshot_digest(const AppliedSnapshot& snapshot);
/// [{"before", "after"}] with whole RRsets.
nlohmann::json changes_images(const std::vector<ZoneChange>& changes);
/// Does the text name the format of an apply's snapshot? Nothing else of it is looked at.
bool is_applied_snapshot(std::string_view text);
/// ErrorCode::config where it is no such file, or its digest is not that of its contents.
Result<AppliedSnapshot> read_applied_snapshot(std::string_view text, const std::string& file);

struct Restoration {
  std::vector<ZoneChange> changes;
  std::vector<ZoneRRset> left;  // changed by somebody else since, as they stand
};

/// What brings back the sets that this apply changed: those that stand as it left them, or as a
/// write that broke off in their middle left them. `all`: whatever else differs from the snapshot,
/// too. What the apply created goes, an MX set or a delegation as well. ErrorCode::gate as
/// dns::audit_change and dns::check_dangers.
Result<Restoration> restoration(const AppliedSnapshot& snapshot, const ZoneSnapshot& now, bool all);

}  // namespace mxferry::app
