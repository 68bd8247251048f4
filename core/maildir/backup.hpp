// SPDX-License-Identifier: Apache-2.0
// A backup: mail folders as Maildirs below one folder of this machine, each with a manifest of
// UIDs, dates, flags and digests. It is a MailTarget for the copy that writes it and a MailSource
// for the one that restores it. What is written is durable before it is said to be stored: octets,
// then the name in `cur`, then the manifest's line. Blocking; BackupRoot is shared by the mailboxes
// of one run, all on one thread.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "maildir/dir.hpp"
#include "maildir/manifest.hpp"
#include "maildir/reader.hpp"

namespace mxferry::maildir {

enum class Access { read, write };

/// Between the parts of a name: a control character, which no part may hold, so that a dot or a
/// slash in a folder's name stays what it is.
inline constexpr char kDelimiter = '\x1f';

class BackupRoot {
 public:
  /// write: made (0700) if it is absent or empty, and locked against a second writer (gate). A
  /// folder that holds anything else is refused, and so is one that others can write to.
  static Result<std::shared_ptr<BackupRoot>> open(const std::string& path, Access access);
  /// Whether `path` holds a backup of this kind; an error where that cannot be found out.
  static Result<bool> is_at(const std::string& path);

  const FolderIndex& index() const { return index_; }
  const std::string& path() const { return root_.path(); }
  Access access() const { return access_; }
  /// Adds a folder with its directories, or takes note of its use and subscription.
  Result<void> put(const std::string& wire, SpecialUse use, bool subscribed);
  /// The directory of a folder: cur, new, tmp and the manifest lie in it.
  Result<Dir> directory(const IndexedFolder& folder) const;

 private:
  Result<void> make(const Dir& parent, const std::string& directory);
  Result<void> append_line(const std::string& line);

  Access access_ = Access::read;
  Dir root_;
  Fd lines_;
  FolderIndex index_;
  std::set<std::string> taken_;  // directories, case folded
};

/// The manifest of a folder, and the file to append its lines to (write only). A torn last line is
/// cut off where it may be written. lines() is 0 where there is none yet.
struct LoadedManifest {
  Manifest manifest;
  Fd lines;  // for writing only
};

Result<LoadedManifest> load_manifest(const Dir& folder, Access access);

class BackupMailbox final : public ReadsFolder<MailTarget> {
 public:
  explicit BackupMailbox(std::shared_ptr<BackupRoot> root);
  ~BackupMailbox() override;

  Task<Result<std::vector<FolderInfo>>> list_folders() override;
  NamespaceInfo personal_namespace() const override;
  Task<Result<FolderState>> open_folder(const std::string& wire) override;
  void close() override;

  Task<Result<bool>> create_folder(const std::string& wire, SpecialUse use) override;
  /// unsupported: a backup only grows.
  Task<Result<void>> remove_folder(const std::string& wire) override;
  Task<Result<void>> subscribe(const std::string& wire) override;
  std::optional<std::uint64_t> append_limit() const override { return std::nullopt; }
  bool has_uidplus() const override { return true; }
  Task<Result<AppendOutcome>> append(std::vector<OutgoingMessage> batch) override;
  Task<Result<void>> append_begin(const imap::Flags& flags,
                                  const std::optional<imap::InternalDate>& date,
                                  std::uint64_t size) override;
  Task<Result<void>> append_put(std::string_view bytes) override;
  Task<Result<AppendResult>> append_end() override;
  Task<Result<void>> store_flags(const imap::UidSet& uids, const imap::Flags& add,
                                 const imap::Flags& remove) override;
  Task<Result<void>> expunge(const imap::UidSet& uids) override;

 private:
  struct Incoming;  // a message on its way into tmp

  Result<FolderState> open_now(const std::string& wire);
  Result<void> begin(const imap::Flags& flags, const std::optional<imap::InternalDate>& date);
  Result<void> finish();
  Result<void> commit();
  Result<void> append_lines(const std::string& lines);
  void drop_unfinished();

  std::shared_ptr<BackupRoot> root_;
  Dir folder_;
  Dir tmp_;
  Fd lines_;
  Manifest manifest_;
  std::unique_ptr<Incoming> incoming_;
  std::vector<std::pair<std::string, ManifestEntry>> written_;  // in tmp, by name
};

/// Fresh mailboxes on `root`, for a copy job.
std::function<Task<Result<std::unique_ptr<MailSource>>>()> backup_source(
    std::shared_ptr<BackupRoot> root);
std::function<Task<Result<std::unique_ptr<MailTarget>>>()> backup_target(
    std::shared_ptr<BackupRoot> root);

struct CheckFinding {
  std::string folder;  // UTF-8
  Uid uid{};
  std::string kind;  // missing, altered, unknown
  std::string detail;
};

struct CheckReport {
  std::uint64_t folders = 0;
  std::uint64_t checked = 0;
  std::uint64_t equal = 0;
  std::uint64_t bytes = 0;
  std::vector<CheckFinding> findings{};
};

/// Reads every message of a backup and compares it with its manifest; writes nothing.
Result<CheckReport> check_backup(const std::string& path);

}  // namespace mxferry::maildir
