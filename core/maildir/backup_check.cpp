// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "base/escape.hpp"
#include "base/sha256.hpp"
#include "maildir/backup.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::maildir {
namespace {
constexpr std::uint64_t kLargestManifest = std::uint64_t{4} << 30;
}

Result<LoadedManifest> load_manifest(const Dir& folder, Access access) {
  const std::string name = folder.path() + "/" + kManifestFile;
  LoadedManifest out;
  Fd file;
  if (access == Access::write) {
    MXF_TRY(appended, folder.append_file(kManifestFile));
    file = std::move(appended);
  } else {
    auto opened = folder.open_file(kManifestFile);
    if (!opened && opened.error().code == ErrorCode::not_found) return out;  // nothing came yet
    if (!opened) return fail(std::move(opened).error());
    file = std::move(*opened);
  }
  MXF_TRY(text, read_all(file, name, kLargestManifest));
  MXF_TRY(manifest, Manifest::parse(text, name));
  out.manifest = std::move(manifest);
  if (access == Access::write && text.size() > out.manifest.whole_octets() &&
      ::ftruncate(file.get(), static_cast<off_t>(out.manifest.whole_octets())) != 0)
    return fail(ErrorCode::io, "mend " + name, std::strerror(errno));
  out.lines = std::move(file);
  return out;
}

Result<CheckReport> check_backup(const std::string& path) {
  MXF_TRY(root, BackupRoot::open(path, Access::read));
  CheckReport report;
  for (const auto& [wire, indexed] : root->index().folders()) {
    std::string name;
    for (const auto& part : imap::split_path(wire, kDelimiter))
      name += (name.empty() ? "" : "/") + imap::display_name(part);
    const auto find = [&](Uid uid, const char* kind, std::string detail) {
      report.findings.push_back(CheckFinding{name, uid, kind, std::move(detail)});
    };
    ++report.folders;
    MXF_TRY(folder, root->directory(indexed));
    MXF_TRY(cur, folder.open_dir("cur"));
    MXF_TRY(loaded, load_manifest(folder, Access::read));
    MXF_TRY(names, cur.names());
    std::map<std::uint32_t, std::string> files;
    for (auto& file : names) {
      const auto uid = uid_of_file(file);
      if (!uid || !loaded.manifest.entries().contains(uid->value)) {
        find(Uid(0), "unknown", file + " is not in the manifest");
      } else if (!files.emplace(uid->value, file).second) {
        find(*uid, "unknown", "two files have this UID");
      }
    }
    for (const auto& [uid, entry] : loaded.manifest.entries()) {
      ++report.checked;
      const auto file = files.find(uid);
      if (file == files.end()) {
        find(entry.uid, "missing", "the manifest lists it, and the file is not there");
        continue;
      }
      MXF_TRY(opened, cur.open_file(file->second));
      Sha256 digest;
      std::uint64_t size = 0;
      for (;;) {
        MXF_TRY(piece, next_piece(opened, file->second));
        if (piece.empty()) break;
        digest.update(piece);
        size += piece.size();
      }
      report.bytes += size;
      if (size != entry.size) {
        find(entry.uid, "altered",
             std::to_string(size) + " octets instead of " + std::to_string(entry.size));
      } else if (hex(digest.finish()) != entry.sha256) {
        find(entry.uid, "altered", "the SHA-256 of its octets is not the manifest's");
      } else {
        ++report.equal;
      }
    }
  }
  return report;
}

}  // namespace mxferry::maildir
