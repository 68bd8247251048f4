// SPDX-License-Identifier: Apache-2.0
// Where an apply that was named no file keeps its snapshot: one folder for each zone below the
// state folder, one file for each change, named by when it was made. Main thread.
//
//   $XDG_STATE_HOME/mxferry/dns.snapshots/ZONE/20261128T101500.000Z.json, beside it its .journal
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "app/dns_snapshot_file.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

namespace mxferry::app {

/// The folder of a zone (canonical); nothing is created. No migration's id can name it.
std::filesystem::path snapshot_folder(const std::string& zone);

/// A name in `folder` that no file has yet; nothing is created.
std::filesystem::path new_snapshot_name(const std::filesystem::path& folder, Instant now);

/// Creates the folder (0700). ErrorCode::io and ErrorCode::config with the remedy of naming a file.
Result<void> make_snapshot_folder(const std::filesystem::path& folder);

struct KeptSnapshot {
  std::filesystem::path file;
  AppliedSnapshot snapshot;
};

/// The newest snapshot in `folder` of this plugin and zone whose change did not come to its end;
/// nothing where the newest did, or where there is none. A file that is none of ours is passed
/// over.
Result<std::optional<KeptSnapshot>> newest_unfinished(const std::filesystem::path& folder,
                                                      const std::string& plugin,
                                                      const std::string& zone);

}  // namespace mxferry::app
