// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/crash_point.hpp"
#include "base/escape.hpp"
#include "base/sha256.hpp"
#include "maildir/backup.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::maildir {
namespace {

// So many files are made durable one by one; more by one call for their file system.
constexpr std::size_t kSyncEach = 8;

FolderState state_of(const Manifest& manifest) {
  FolderState state;
  if (manifest.lines() == 0) return state;
  state.uid_validity = manifest.validity();
  state.uid_next = manifest.next_uid();
  state.messages = manifest.entries().size();
  state.highest_modseq = ModSeq(manifest.lines());
  return state;
}

std::string unique_name() {
  static std::uint64_t count = 0;
  return "mxferry." + std::to_string(::getpid()) + "." + std::to_string(++count);
}

MessageInfo info_of(const ManifestEntry& entry) {
  MessageInfo info;
  info.uid = entry.uid;
  info.flags = entry.flags;
  info.date = entry.date;
  info.size = entry.size;
  return info;
}

}  // namespace

struct BackupMailbox::Incoming {
  std::string tmp;
  Fd file;
  ManifestEntry entry;
  Sha256 digest;
};

BackupMailbox::BackupMailbox(std::shared_ptr<BackupRoot> root) : root_(std::move(root)) {}
BackupMailbox::~BackupMailbox() { drop_unfinished(); }

void BackupMailbox::drop_unfinished() {
  if (incoming_) (void)tmp_.remove(incoming_->tmp);
  incoming_.reset();
  for (const auto& [name, entry] : written_) (void)tmp_.remove(name);
  written_.clear();
}

void BackupMailbox::close() {
  drop_unfinished();
  ReadsFolder<MailTarget>::close();
}

NamespaceInfo BackupMailbox::personal_namespace() const {
  NamespaceInfo out;
  out.delimiter = kDelimiter;
  return out;
}

Task<Result<std::vector<FolderInfo>>> BackupMailbox::list_folders() {
  std::vector<FolderInfo> out;
  for (const auto& [wire, folder] : root_->index().folders()) {
    FolderInfo info;
    info.wire = wire;
    for (const auto& part : imap::split_path(wire, kDelimiter))
      info.path.push_back(imap::display_name(part));
    info.delimiter = kDelimiter;
    info.use = folder.use;
    info.subscribed = folder.subscribed;
    auto dir = root_->directory(folder);
    if (!dir) co_return fail(std::move(dir).error());
    auto loaded = load_manifest(*dir, Access::read);
    if (!loaded) co_return fail(std::move(loaded).error());
    if (loaded->manifest.lines() > 0) info.state = state_of(loaded->manifest);
    out.push_back(std::move(info));
  }
  co_return out;
}

Task<Result<FolderState>> BackupMailbox::open_folder(const std::string& wire) {
  co_return open_now(wire);
}

Result<FolderState> BackupMailbox::open_now(const std::string& wire) {
  drop_unfinished();
  const auto known = root_->index().folders().find(imap::is_inbox(wire) ? "INBOX" : wire);
  if (known == root_->index().folders().end())
    return fail(ErrorCode::not_found, "open " + root_->path(), "there is no such folder");
  MXF_TRY(folder, root_->directory(known->second));
  folder_ = std::move(folder);
  MXF_TRY(cur, folder_.open_dir("cur"));
  MXF_TRY(fresh, folder_.open_dir("new"));
  MXF_TRY(tmp, folder_.open_dir("tmp"));
  tmp_ = std::move(tmp);
  MXF_TRY(loaded, load_manifest(folder_, root_->access()));
  manifest_ = std::move(loaded.manifest);
  lines_ = std::move(loaded.lines);
  MXF_TRY(names, cur.names());
  reader_ = FolderReader();
  if (manifest_.lines() == 0 && !names.empty()) {
    Error error;
    error.code = ErrorCode::store;
    error.operation = "open " + folder_.path();
    error.text = std::string("there is mail, and ") + kManifestFile + " is missing or empty";
    return fail(
        std::move(error.with_remedy("take the manifest from another copy, or begin a new backup")));
  }
  if (root_->access() == Access::write && manifest_.lines() == 0) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    manifest_ = Manifest(UidValidity(static_cast<std::uint32_t>(seconds.count())));
    MXF_CHECK(append_lines(manifest_.first_line()));
    MXF_CHECK(folder_.sync());
  }
  for (auto& name : names) {
    const auto uid = uid_of_file(name);
    const auto entry = uid ? manifest_.entries().find(uid->value) : manifest_.entries().end();
    if (entry == manifest_.entries().end()) {
      // Its line was never written: nobody was told that it is stored. It is set aside, not
      // removed.
      if (root_->access() == Access::write && uid)
        MXF_CHECK(cur.move_to(name, tmp_, unique_name() + ".left"));
      continue;
    }
    StoredMessage message;
    message.file = std::move(name);
    message.info = info_of(entry->second);
    message.changed = entry->second.changed;
    reader_.messages.emplace(uid->value, std::move(message));
  }
  // What the manifest names and no file holds is listed, so that a restore tells what it lacks.
  if (root_->access() == Access::read)
    for (const auto& [uid, entry] : manifest_.entries()) {
      StoredMessage lost;
      lost.file = file_name(entry);
      lost.info = info_of(entry);
      lost.changed = entry.changed;
      reader_.messages.try_emplace(uid, std::move(lost));
    }
  reader_.cur = std::move(cur);
  reader_.fresh = std::move(fresh);
  FolderState state = state_of(manifest_);
  state.messages = reader_.messages.size();
  return state;
}

Task<Result<bool>> BackupMailbox::create_folder(const std::string& wire, SpecialUse use) {
  const bool fresh = !root_->index().folders().contains(wire);
  MXF_CO_CHECK(root_->put(wire, use, false));
  co_return fresh;
}

Task<Result<void>> BackupMailbox::remove_folder(const std::string&) {
  co_return fail(ErrorCode::unsupported, "backup " + root_->path(), "no folder is removed");
}

Task<Result<void>> BackupMailbox::subscribe(const std::string& wire) {
  co_return root_->put(wire, SpecialUse::none, true);
}

Result<void> BackupMailbox::begin(const imap::Flags& flags,
                                  const std::optional<imap::InternalDate>& date) {
  auto incoming = std::make_unique<Incoming>();
  incoming->tmp = unique_name();
  incoming->entry.flags = flags;
  incoming->entry.date = date;
  MXF_TRY(file, tmp_.create_file(incoming->tmp, 0400));
  incoming->file = std::move(file);
  incoming_ = std::move(incoming);
  return {};
}

Result<void> BackupMailbox::finish() {
  auto& in = *incoming_;
  const std::string name = tmp_.path() + "/" + in.tmp;
  if (in.entry.date) {
    timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};
    times[1].tv_sec = in.entry.date->instant.time_since_epoch().count();
    if (::futimens(in.file.get(), times) != 0)
      return fail(ErrorCode::io, "date " + name, std::strerror(errno));
  }
  if (written_.size() < kSyncEach) MXF_CHECK(sync_file(in.file, name));
  in.entry.sha256 = hex(in.digest.finish());
  in.entry.uid = Uid(manifest_.next_uid().value + static_cast<std::uint32_t>(written_.size()));
  written_.emplace_back(in.tmp, std::move(in.entry));
  incoming_.reset();
  return {};
}

// Octets are durable, then names, then lines: a line always has its message.
Result<void> BackupMailbox::commit() {
  if (written_.size() > kSyncEach) MXF_CHECK(tmp_.sync_file_system());
  std::string lines;
  Manifest after = manifest_;
  std::vector<StoredMessage> stored;
  for (const auto& [name, entry] : written_) {
    StoredMessage message;
    message.file = file_name(entry);
    message.info = info_of(entry);
    MXF_CHECK(tmp_.move_to(name, reader_.cur, message.file));
    lines += after.add(entry);
    message.changed = after.lines();
    stored.push_back(std::move(message));
  }
  written_.clear();
  MXF_CHECK(reader_.cur.sync());
  crash_point("backup.named");
  MXF_CHECK(append_lines(lines));
  manifest_ = std::move(after);
  for (auto& message : stored) {
    const auto uid = message.info.uid.value;
    reader_.messages.emplace(uid, std::move(message));
  }
  return {};
}

Result<void> BackupMailbox::append_lines(const std::string& lines) {
  const std::string name = folder_.path() + "/" + kManifestFile;
  MXF_CHECK(write_all(lines_, lines, name));
  return sync_file(lines_, name);
}

Task<Result<AppendOutcome>> BackupMailbox::append(std::vector<OutgoingMessage> batch) {
  drop_unfinished();
  AppendOutcome out;
  out.as_one = true;
  for (auto& message : batch) {
    MXF_CO_CHECK(begin(message.flags, message.date));
    incoming_->entry.size = message.body.size();
    incoming_->digest.update(message.body);
    MXF_CO_CHECK(write_all(incoming_->file, message.body, tmp_.path() + "/" + incoming_->tmp));
    MXF_CO_CHECK(finish());
    AppendResult result;
    result.stored = true;
    result.uid = written_.back().second.uid;
    out.each.push_back(std::move(result));
  }
  MXF_CO_CHECK(commit());
  co_return out;
}

Task<Result<void>> BackupMailbox::append_begin(const imap::Flags& flags,
                                               const std::optional<imap::InternalDate>& date,
                                               std::uint64_t size) {
  drop_unfinished();
  MXF_CO_CHECK(begin(flags, date));
  incoming_->entry.size = size;
  co_return Result<void>();
}

Task<Result<void>> BackupMailbox::append_put(std::string_view bytes) {
  incoming_->digest.update(bytes);
  co_return write_all(incoming_->file, bytes, tmp_.path() + "/" + incoming_->tmp);
}

Task<Result<AppendResult>> BackupMailbox::append_end() {
  MXF_CO_CHECK(finish());
  AppendResult result;
  result.stored = true;
  result.uid = written_.back().second.uid;
  MXF_CO_CHECK(commit());
  co_return result;
}

Task<Result<void>> BackupMailbox::store_flags(const imap::UidSet& uids, const imap::Flags& add,
                                              const imap::Flags& remove) {
  std::string lines;
  std::vector<StoredMessage*> changed;
  for (const auto uid : uids.uids()) {
    const auto found = reader_.messages.find(uid.value);
    if (found == reader_.messages.end()) continue;
    auto& message = found->second;
    const auto flags = message.info.flags.plus(add).minus(remove);
    if (flags == message.info.flags) continue;
    message.info.flags = flags;
    lines += manifest_.set_flags(uid, flags);
    message.changed = manifest_.lines();
    changed.push_back(&message);
  }
  if (changed.empty()) co_return Result<void>();
  MXF_CO_CHECK(append_lines(lines));
  // The letters in the name are for other readers; the manifest has said it.
  for (auto* message : changed) {
    const auto name = file_name(manifest_.entries().at(message->info.uid.value));
    if (name != message->file && reader_.cur.move_to(message->file, reader_.cur, name))
      message->file = name;
  }
  co_return Result<void>();
}

Task<Result<void>> BackupMailbox::expunge(const imap::UidSet& uids) {
  for (const auto uid : uids.uids()) {
    const auto found = reader_.messages.find(uid.value);
    if (found == reader_.messages.end()) continue;
    MXF_CO_CHECK(append_lines(manifest_.remove(uid)));
    MXF_CO_CHECK(reader_.cur.remove(found->second.file));
    reader_.messages.erase(found);
  }
  co_return Result<void>();
}

std::function<Task<Result<std::unique_ptr<MailSource>>>()> backup_source(
    std::shared_ptr<BackupRoot> root) {
  return [root]() -> Task<Result<std::unique_ptr<MailSource>>> {
    std::unique_ptr<MailSource> out = std::make_unique<BackupMailbox>(root);
    co_return out;
  };
}

std::function<Task<Result<std::unique_ptr<MailTarget>>>()> backup_target(
    std::shared_ptr<BackupRoot> root) {
  return [root]() -> Task<Result<std::unique_ptr<MailTarget>>> {
    std::unique_ptr<MailTarget> out = std::make_unique<BackupMailbox>(root);
    co_return out;
  };
}

}  // namespace mxferry::maildir
