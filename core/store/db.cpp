// SPDX-License-Identifier: Apache-2.0
#include "store/db.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include "base/crash_point.hpp"
#include "base/file_remedy.hpp"

namespace mxferry::store {
namespace {

std::string name_of(sqlite3* handle) {
  const char* file = sqlite3_db_filename(handle, "main");
  return file == nullptr ? "" : file;
}

std::string remedy_of(int code, int cause, const std::string& file) {
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "end the program that has " + file + " open, then run the same command again";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "put a copy from before in its place; without one move it and " + file +
             "-wal away: sync and backup begin a new one and know by its content what was copied";
    case SQLITE_FULL:
      return remedy_for(ENOSPC, file);
    case SQLITE_READONLY:
      return remedy_for(EROFS, file);
    case SQLITE_IOERR:
      return remedy_for(cause == 0 ? EIO : cause, file);
    case SQLITE_CANTOPEN:
      // Where making a file fails SQLite looks for one to read, so that the cause may be the second
      // attempt's: ENOENT.
      if (cause == ENOENT || cause == 0)
        return "see that the folder of " + file +
               " is there, can be written to, has space and a disk without faults (dmesg), then "
               "run "
               "the same command again";
      return remedy_for(cause, file);
    default:
      return remedy_for(cause, file);
  }
}

}  // namespace

bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }
std::string Row::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

void Db::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
void Db::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Db::Db(sqlite3* handle) : handle_(handle) {}
Db::Db(Db&&) noexcept = default;
Db& Db::operator=(Db&&) noexcept = default;
Db::~Db() { statements_.clear(); }

Result<Db> Db::open(const std::filesystem::path& file, OpenMode mode) {
  int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
  flags |= mode == OpenMode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == OpenMode::create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int rc = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
  Db db(handle);
  if (handle == nullptr)
    return fail(ErrorCode::store, "open state " + file.string(), sqlite3_errstr(rc));
  if (rc != SQLITE_OK) return db.failed("open");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5000);
  constexpr const char* kSettings =
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;";
  if (mode != OpenMode::read_only &&
      sqlite3_exec(handle, kSettings, nullptr, nullptr, nullptr) != SQLITE_OK)
    return db.failed("open");
  return db;
}

Unexpected<Error> Db::failed(std::string_view sql) const {
  const int code = sqlite3_extended_errcode(handle_.get()) & 0xff;
  const bool of_system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
  const int cause = of_system ? sqlite3_system_errno(handle_.get()) : 0;
  const auto file = name_of(handle_.get());
  Error error;
  error.code = ErrorCode::store;
  error.operation = "state " + file + ": " + std::string(sql.substr(0, 120));
  error.text = sqlite3_errmsg(handle_.get());
  if (cause != 0) error.text += std::string(": ") + std::strerror(cause);
  if (code == SQLITE_BUSY) error.with_retry(Retry::safe);
  return fail(std::move(error.with_remedy(remedy_of(code, cause, file))));
}

Unexpected<Error> damaged(Db& db, std::string_view what) {
  Error error;
  error.code = ErrorCode::store;
  error.operation = "state: read " + std::string(what);
  error.text = "it is damaged: this cannot be decoded";
  auto file = db.text("SELECT file FROM pragma_database_list WHERE name = 'main'");
  if (!file || !*file) return fail(std::move(error));
  error.operation = "state " + **file + ": read " + std::string(what);
  return fail(std::move(error.with_remedy(remedy_of(SQLITE_CORRUPT, 0, **file))));
}

Result<void> Db::execute(std::string_view sql, const std::vector<Value>& args,
                         const std::function<void(const Row&)>* row) {
  auto& slot = statements_[std::string(sql)];
  if (!slot) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK) {
      auto error = failed(sql);
      statements_.erase(std::string(sql));
      return error;
    }
    slot.reset(made);
  }
  sqlite3_stmt* statement = slot.get();
  // SQLite numbers $1, $2 by where they first stand; PostgreSQL by their digits. Bound by name,
  // both mean the same.
  int digit = 0;
  for (const auto& arg : args) {
    const std::string name = "$" + std::to_string(++digit);
    const int index = sqlite3_bind_parameter_index(statement, name.c_str());
    if (index == 0)
      return fail(ErrorCode::internal, "state: " + std::string(sql.substr(0, 120)),
                  "no parameter " + name);
    int rc = SQLITE_OK;
    if (const auto* number = std::get_if<std::int64_t>(&arg)) {
      rc = sqlite3_bind_int64(statement, index, *number);
    } else if (const auto* text = std::get_if<std::string>(&arg)) {
      rc = sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC,
                               SQLITE_UTF8);
    } else if (const auto* blob = std::get_if<Blob>(&arg)) {
      rc = sqlite3_bind_blob64(statement, index, blob->bytes.empty() ? "" : blob->bytes.data(),
                               blob->bytes.size(), SQLITE_STATIC);
    } else {
      rc = sqlite3_bind_null(statement, index);
    }
    if (rc != SQLITE_OK) {
      auto error = failed(sql);
      sqlite3_clear_bindings(statement);
      return error;
    }
  }
  const bool writes = in_transaction() || sqlite3_stmt_readonly(statement) == 0;
  int rc = SQLITE_ROW;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    if (row != nullptr) (*row)(Row(statement));
  }
  Result<void> out;
  if (rc != SQLITE_DONE) out = failed(sql);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (out && writes && !in_transaction()) crash_point("store.committed");
  return out;
}

Result<void> Db::script(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed(sql);
  return {};
}

Result<Transaction> Db::begin(Durability durability) {
  if (durability == Durability::with_next) MXF_CHECK(run("PRAGMA synchronous = NORMAL"));
  Transaction transaction(*this, durability);  // its end sets FULL again
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) {
    transaction.end();
    return fail(std::move(begun).error());
  }
  return transaction;
}

bool Db::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
std::int64_t Db::last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
std::int64_t Db::changes() const { return sqlite3_changes64(handle_.get()); }

Transaction::~Transaction() {
  if (db_ == nullptr) return;
  (void)db_->run("ROLLBACK");
  end();
}

void Transaction::end() {
  if (durability_ == Durability::with_next) (void)db_->run("PRAGMA synchronous = FULL");
  db_ = nullptr;
}

Result<void> Transaction::commit() {
  MXF_CHECK(db_->run("COMMIT"));
  end();
  return {};
}

}  // namespace mxferry::store
