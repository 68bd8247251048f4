// SPDX-License-Identifier: Apache-2.0
// StateFile: one migration's durable state: the file's checks (owner, mode, no symlink), its lock,
// its version, its tables. One process holds the lock and is the only one that acts; others read,
// or insert rows into `control`. One thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "store/db.hpp"

namespace mxferry::store {

enum class Access {
  act,      // create if missing, take the lock
  control,  // no lock; only for inserting into `control` and `approval`
  read,     // no lock, read-only
};

class StateFile {
 public:
  /// Opens or creates `file`; folders that it makes are 0700, the file and its WAL 0600 under any
  /// umask. Refused: a symlink, a foreign owner, group or others able to write (ErrorCode::denied,
  /// the remedy is the command that mends it), another holder (ErrorCode::gate, with its pid), a
  /// newer version (ErrorCode::config). Who acts brings an older version up to this one, after a
  /// copy beside it (FILE.schema1); who only reads takes it as it is.
  static Result<StateFile> open(const std::filesystem::path& file, Access access);
  StateFile(StateFile&&) noexcept = default;
  StateFile& operator=(StateFile&&) noexcept = default;
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;
  ~StateFile() = default;

  Db& db() { return *db_; }
  const std::filesystem::path& path() const { return path_; }
  Result<std::string> meta(const std::string& key, const std::string& fallback = "");
  Result<void> set_meta(const std::string& key, const std::string& value);

 private:
  StateFile() = default;
  struct Lock {
    int fd = -1;
    explicit Lock(int f) : fd(f) {}
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock();
  };
  static Result<std::unique_ptr<Lock>> take_lock(const std::filesystem::path& file);
  Result<void> migrate(std::int64_t from);

  std::filesystem::path path_;
  std::unique_ptr<Lock> lock_;
  std::unique_ptr<Db> db_;
};

/// $XDG_STATE_HOME/mxferry/ID (or ~/.local/state/mxferry/ID).
std::filesystem::path default_state_dir(const std::string& migration);

/// Creates `dir` and missing parents with mode 0700, whatever the umask; an existing folder that
/// others can write is refused.
Result<void> make_private_dir(const std::filesystem::path& dir);

}  // namespace mxferry::store
