// SPDX-License-Identifier: Apache-2.0
#include "store/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/file_remedy.hpp"
#include "store/schema.hpp"

namespace mxferry::store {
namespace fs = std::filesystem;
namespace {

Unexpected<Error> os_error(const std::string& operation, const fs::path& file) {
  const int cause = errno;
  auto error = fail(ErrorCode::io, operation, file.string() + ": " + std::strerror(cause)).error();
  error.remedy = remedy_for(cause, file.string());
  return fail(std::move(error));
}

Unexpected<Error> unsafe(const fs::path& file, const std::string& why, const std::string& remedy) {
  Error error;
  error.code = ErrorCode::denied;
  error.operation = "open state " + file.string();
  error.text = why;
  return fail(std::move(error.with_remedy(remedy)));
}

Result<bool> check_file(const fs::path& file) {
  struct stat st {};
  if (::lstat(file.c_str(), &st) != 0) {
    if (errno == ENOENT) return false;
    return os_error("open state", file);
  }
  if (S_ISLNK(st.st_mode))
    return unsafe(file, "is a symbolic link; the state must be the file itself",
                  "name the target itself: --state \"$(readlink -f '" + file.string() + "')\"");
  if (!S_ISREG(st.st_mode))
    return unsafe(file, "is not a regular file", "choose another --state path");
  if (st.st_uid != ::geteuid())
    return unsafe(file, "belongs to another user (uid " + std::to_string(st.st_uid) + ")",
                  "chown " + std::to_string(::geteuid()) + " '" + file.string() + "'");
  if ((st.st_mode & 077U) != 0)
    return unsafe(file, "can be read or written by others", "chmod 600 '" + file.string() + "'");
  return true;
}

Result<void> check_dir(const fs::path& dir) {
  struct stat st {};
  if (::stat(dir.c_str(), &st) != 0) return os_error("open state folder", dir);
  const bool sticky = (st.st_mode & S_ISVTX) != 0;
  if ((st.st_mode & 022U) != 0 && !sticky)
    return unsafe(dir, "the folder can be written by others", "chmod go-w '" + dir.string() + "'");
  if (st.st_uid != ::geteuid() && st.st_uid != 0)
    return unsafe(dir, "the folder belongs to another user", "use a folder of your own");
  return {};
}

Result<void> create_private(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return os_error("create state", file);
  const int rc = ::fchmod(fd, 0600);
  ::close(fd);
  if (rc != 0) return os_error("create state", file);
  return {};
}

}  // namespace

Result<void> make_private_dir(const fs::path& dir) {
  if (dir.empty()) return {};
  std::error_code ec;
  if (fs::exists(dir, ec)) return check_dir(dir);
  if (dir.has_parent_path() && dir.parent_path() != dir) {
    if (!fs::exists(dir.parent_path(), ec)) MXF_CHECK(make_private_dir(dir.parent_path()));
  }
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return os_error("create state folder", dir);
  if (::chmod(dir.c_str(), 0700) != 0) return os_error("create state folder", dir);
  return {};
}

StateFile::Lock::~Lock() {
  if (fd >= 0) ::close(fd);
}

Result<std::unique_ptr<StateFile::Lock>> StateFile::take_lock(const fs::path& file) {
  const fs::path path = file.string() + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return os_error("lock state", path);
  auto lock = std::make_unique<Lock>(fd);
  (void)::fchmod(fd, 0600);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> text{};
    const auto got = ::pread(fd, text.data(), text.size() - 1, 0);
    const std::string pid =
        got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : "unknown";
    Error error;
    error.code = ErrorCode::gate;
    error.operation = "lock state " + file.string();
    error.text = "LK-01: another process (pid " + pid + ") is acting on this state";
    return fail(std::move(error.with_remedy("wait for it, or stop it with: kill " + pid)));
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return os_error("lock state", path);
  return lock;
}

Result<StateFile> StateFile::open(const fs::path& given, Access access) {
  const fs::path file = fs::absolute(given);
  StateFile state;
  state.path_ = file;
  if (access == Access::act) MXF_CHECK(make_private_dir(file.parent_path()));
  MXF_TRY(exists, check_file(file));
  if (!exists && access != Access::act) {
    Error error;
    error.code = ErrorCode::not_found;
    error.operation = "open state " + file.string();
    error.text = "there is no such state file";
    return fail(
        std::move(error.with_remedy("check the migration's id, or name the file with --state")));
  }
  MXF_CHECK(check_dir(file.parent_path()));
  if (access == Access::act) {
    MXF_TRY(lock, take_lock(file));
    state.lock_ = std::move(lock);
    if (!exists) MXF_CHECK(create_private(file));
  }
  MXF_TRY(db, Db::open(file, access == Access::read ? OpenMode::read_only : OpenMode::read_write));
  state.db_ = std::make_unique<Db>(std::move(db));
  MXF_TRY(application, state.db_->number("PRAGMA application_id"));
  MXF_TRY(version, state.db_->number("PRAGMA user_version"));
  if (application.value_or(0) == 0 && version.value_or(0) == 0 && access == Access::act) {
    MXF_TRY(transaction, state.db_->begin());
    MXF_CHECK(state.db_->script(schema_sql()));
    MXF_CHECK(state.db_->script("PRAGMA application_id=" + std::to_string(kApplicationId) +
                                "; PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";"));
    MXF_CHECK(transaction.commit());
  } else if (application.value_or(0) != kApplicationId) {
    return fail(ErrorCode::config, "open state " + file.string(),
                "this is not a state file of mxferry");
  } else if (version.value_or(0) > kSchemaVersion) {
    Error error;
    error.code = ErrorCode::config;
    error.operation = "open state " + file.string();
    error.text = "it was written by a newer mxferry (schema " +
                 std::to_string(version.value_or(0)) + ", this one knows " +
                 std::to_string(kSchemaVersion) + ")";
    return fail(
        std::move(error.with_remedy("use that version, or a copy of the state from before")));
  }
  if (version.value_or(0) > 0 && version.value_or(0) < kSchemaVersion && access == Access::act)
    MXF_CHECK(state.migrate(*version));
  return state;
}

// The copy is whole before anything is changed; one of an attempt that was cut off is made again.
Result<void> StateFile::migrate(std::int64_t from) {
  const fs::path copy = path_.string() + ".schema" + std::to_string(from);
  if (::unlink(copy.c_str()) != 0 && errno != ENOENT) return os_error("copy state", copy);
  MXF_CHECK(create_private(copy));
  MXF_CHECK(db_->run("VACUUM INTO $1", copy.string()));
  const int fd = ::open(copy.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return os_error("copy state", copy);
  const int rc = ::fsync(fd);
  ::close(fd);
  if (rc != 0) return os_error("copy state", copy);
  MXF_TRY(transaction, db_->begin());
  for (auto version = from; version < kSchemaVersion; ++version) {
    const char* sql = migration_sql(version);
    if (sql == nullptr)
      return fail(ErrorCode::config, "open state " + path_.string(),
                  "its version " + std::to_string(version) + " cannot be brought up to date");
    MXF_CHECK(db_->script(sql));
  }
  MXF_CHECK(db_->script("PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";"));
  return transaction.commit();
}

Result<std::string> StateFile::meta(const std::string& key, const std::string& fallback) {
  MXF_TRY(value, db_->text("SELECT value FROM meta WHERE key = $1", key));
  return value.value_or(fallback);
}

Result<void> StateFile::set_meta(const std::string& key, const std::string& value) {
  return db_->run(
      "INSERT INTO meta(key, value) VALUES($1, $2) ON CONFLICT(key) DO UPDATE SET value = "
      "excluded.value",
      key, value);
}

fs::path default_state_dir(const std::string& migration) {
  const char* xdg = std::getenv("XDG_STATE_HOME");
  fs::path base;
  if (xdg != nullptr && *xdg == '/') {
    base = xdg;
  } else {
    const char* home = std::getenv("HOME");
    base = fs::path(home != nullptr ? home : "/root") / ".local" / "state";
  }
  return base / "mxferry" / migration;
}

}  // namespace mxferry::store
