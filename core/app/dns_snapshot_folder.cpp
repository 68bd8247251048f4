// SPDX-License-Identifier: Apache-2.0
#include "app/dns_snapshot_folder.hpp"

#include <algorithm>
#include <vector>

#include "app/dns_journal.hpp"
#include "base/escape.hpp"
#include "base/read_file.hpp"
#include "store/state_file.hpp"

namespace mxferry::app {
namespace fs = std::filesystem;

fs::path snapshot_folder(const std::string& zone) {
  // A name may hold octets that a file's name cannot (RFC 2317 has '/').
  std::string name;
  for (const char c : zone) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    name += plain || (c == '.' && !name.empty()) ? c : '_';
  }
  return store::default_state_dir("dns.snapshots") / name;
}

fs::path new_snapshot_name(const fs::path& folder, Instant now) {
  for (;; now += Millis(1)) {
    std::string stamp;
    for (const char c : format_instant(now))
      if (c != '-' && c != ':') stamp += c;
    auto file = folder / (stamp + ".json");
    std::error_code ec;
    if (!fs::exists(fs::symlink_status(file, ec))) return file;
  }
}

Result<void> make_snapshot_folder(const fs::path& folder) {
  auto made = store::make_private_dir(folder);
  if (made) return {};
  auto error = made.error();
  return fail(std::move(error.with_remedy("name a file for the snapshot: --snapshot FILE")));
}

Result<std::optional<KeptSnapshot>> newest_unfinished(const fs::path& folder,
                                                      const std::string& plugin,
                                                      const std::string& zone) {
  std::vector<fs::path> files;
  std::error_code ec;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    if (it->path().extension() == ".json") files.push_back(it->path());
  std::sort(files.begin(), files.end(), std::greater<>());
  for (const auto& file : files) {
    MXF_TRY(text, read_file(file.string()));
    auto snapshot = read_applied_snapshot(text, escape_line(file.string()));
    if (!snapshot || snapshot->plugin != plugin || snapshot->before.zone != zone) continue;
    MXF_TRY(journal, DnsJournal::open(file.string() + ".journal", snapshot_digest(*snapshot)));
    if (journal.is_done()) break;
    return std::optional(KeptSnapshot{file, *std::move(snapshot)});
  }
  return std::optional<KeptSnapshot>();
}

}  // namespace mxferry::app
