// SPDX-License-Identifier: Apache-2.0
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "maildir/backup.hpp"
#include "maildir/names.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::maildir {
namespace {

constexpr std::uint64_t kLargestIndex = std::uint64_t{256} << 20;

Unexpected<Error> not_ours(const std::string& path, std::string text, std::string remedy,
                           ErrorCode code = ErrorCode::denied) {
  Error error;
  error.code = code;
  error.operation = "open backup " + path;
  error.text = std::move(text);
  return fail(std::move(error.with_remedy(std::move(remedy))));
}

Result<void> check_owner(const Dir& root) {
  struct stat st {};
  if (::fstat(root.fd(), &st) != 0)
    return fail(ErrorCode::io, "open backup " + root.path(), std::strerror(errno));
  if (st.st_uid != ::geteuid())
    return not_ours(root.path(), "the folder belongs to another user", "use a folder of your own");
  if ((st.st_mode & 022U) != 0)
    return not_ours(root.path(), "the folder can be written by others",
                    "chmod go-w '" + root.path() + "'");
  return {};
}

}  // namespace

Result<bool> BackupRoot::is_at(const std::string& path) {
  auto dir = Dir::open(path);
  if (!dir && dir.error().code == ErrorCode::not_found) return false;
  if (!dir) return fail(std::move(dir).error());
  auto file = dir->open_file(kFoldersFile);
  if (!file && file.error().code == ErrorCode::not_found) return false;
  if (!file) return fail(std::move(file).error());
  return true;
}

Result<std::shared_ptr<BackupRoot>> BackupRoot::open(const std::string& path, Access access) {
  auto out = std::make_shared<BackupRoot>();
  out->access_ = access;
  if (access == Access::write && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(ErrorCode::io, "make backup " + path, std::strerror(errno));
  MXF_TRY(root, Dir::open(path));
  out->root_ = std::move(root);
  if (access == Access::read) {
    auto file = out->root_.open_file(kFoldersFile);
    if (!file && file.error().code != ErrorCode::not_found) return fail(std::move(file).error());
    if (!file)
      return fail(ErrorCode::not_found, "open backup " + path,
                  std::string("there is no backup: ") + kFoldersFile + " is missing");
    MXF_TRY(text, read_all(*file, kFoldersFile, kLargestIndex));
    MXF_TRY(index, FolderIndex::parse(text, path + "/" + kFoldersFile));
    out->index_ = std::move(index);
    return out;
  }
  MXF_CHECK(check_owner(out->root_));
  if (::flock(out->root_.fd(), LOCK_EX | LOCK_NB) != 0) {
    Error error;
    error.code = ErrorCode::gate;
    error.operation = "lock backup " + path;
    error.text = "LK-01: another process is writing to this backup";
    return fail(std::move(error.with_remedy("wait for it, or stop it")));
  }
  MXF_TRY(names, out->root_.names());
  const bool known = std::find(names.begin(), names.end(), kFoldersFile) != names.end();
  // The state of the copy may lie beside the mail, and is there first.
  const bool foreign = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return !name.starts_with("mxferry");
  });
  if (!known && foreign)
    return not_ours(path, "the folder is not empty and holds no backup",
                    "name an empty or a new folder", ErrorCode::usage);
  MXF_TRY(lines, out->root_.append_file(kFoldersFile));
  out->lines_ = std::move(lines);
  MXF_TRY(text, read_all(out->lines_, kFoldersFile, kLargestIndex));
  if (text.find('\n') == std::string::npos) {
    // New, or the power went before the first line was whole.
    if (::ftruncate(out->lines_.get(), 0) != 0)
      return fail(ErrorCode::io, "make backup " + path, std::strerror(errno));
    MXF_CHECK(out->append_line(FolderIndex::first_line()));
    MXF_CHECK(out->root_.sync());
  } else {
    MXF_TRY(index, FolderIndex::parse(text, path + "/" + kFoldersFile));
    out->index_ = std::move(index);
    if (text.size() > out->index_.whole_octets() &&
        ::ftruncate(out->lines_.get(), static_cast<off_t>(out->index_.whole_octets())) != 0)
      return fail(ErrorCode::io, "mend backup " + path, std::strerror(errno));
  }
  for (const auto& [wire, folder] : out->index_.folders())
    out->taken_.insert(fold_case(folder.directory));
  MXF_CHECK(out->put("INBOX", SpecialUse::inbox, true));
  return out;
}

Result<void> BackupRoot::append_line(const std::string& line) {
  const std::string name = root_.path() + "/" + kFoldersFile;
  MXF_CHECK(write_all(lines_, line, name));
  return sync_file(lines_, name);
}

Result<void> BackupRoot::make(const Dir& parent, const std::string& directory) {
  const auto fill = [](const Dir& dir) -> Result<void> {
    for (const char* name : {"cur", "new", "tmp"}) MXF_CHECK(dir.make_dir(name));
    return dir.sync();
  };
  if (directory.empty()) return fill(parent);
  MXF_TRY(dir, parent.make_dir(directory));
  MXF_CHECK(fill(dir));
  return parent.sync();
}

Result<void> BackupRoot::put(const std::string& wire, SpecialUse use, bool subscribed) {
  const auto known = index_.folders().find(wire);
  IndexedFolder folder;
  if (known != index_.folders().end()) {
    folder = known->second;
    const bool told =
        (use == SpecialUse::none || folder.use == use) && (!subscribed || folder.subscribed);
    if (told) return {};
    if (use != SpecialUse::none) folder.use = use;
    folder.subscribed = folder.subscribed || subscribed;
  } else {
    folder.wire = wire;
    folder.use = use;
    folder.subscribed = subscribed;
    if (!imap::is_inbox(wire)) {
      std::vector<std::string> path;
      for (const auto& part : imap::split_path(wire, kDelimiter))
        path.push_back(imap::display_name(part));
      folder.directory = free_directory_for(path, taken_);
    }
    MXF_CHECK(make(root_, folder.directory));
    taken_.insert(fold_case(folder.directory));
  }
  return append_line(index_.put(std::move(folder)));
}

Result<Dir> BackupRoot::directory(const IndexedFolder& folder) const {
  if (folder.directory.empty()) return Dir::open(root_.path());
  return root_.open_dir(folder.directory);
}

}  // namespace mxferry::maildir
