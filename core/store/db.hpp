// SPDX-License-Identifier: Apache-2.0
// Db: a thin seam over SQLite: one connection, prepared statements, transactions, values. One SQL
// text with $n parameters. A Db and what it makes belong to one thread at a time. Errors are
// ErrorCode::store and name the statement, never a value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace mxferry::store {

/// Bytes for a BLOB column, as against text.
struct Blob {
  std::string bytes;
};
using Value = std::variant<std::monostate, std::int64_t, std::string, Blob>;

inline Value to_value(std::nullptr_t) { return std::monostate{}; }
inline Value to_value(Blob v) { return v; }
inline Value to_value(std::string v) { return v; }
inline Value to_value(std::string_view v) { return std::string(v); }
inline Value to_value(const char* v) { return std::string(v); }
template <class Int>
requires std::is_integral_v<Int> Value to_value(Int v) { return static_cast<std::int64_t>(v); }
template <class Tag, class Rep>
Value to_value(StrongId<Tag, Rep> id) {
  return static_cast<std::int64_t>(id.value);
}
template <class T>
Value to_value(const std::optional<T>& v) {
  return v ? to_value(*v) : Value{};
}

/// The current row of a query; valid inside the callback only. Columns count from 0.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;  // of a TEXT or BLOB column: its bytes, NUL included
  template <class Id>
  Id id(int column) const {
    return Id(static_cast<typename Id::rep>(integer(column)));
  }

 private:
  sqlite3_stmt* statement_;
};

enum class OpenMode { read_only, read_write, create };

class Transaction;

/// When a transaction is durable: as commit() returns, or with the next one that is. The log keeps
/// their order: a power cut never takes an earlier one and leaves a later one.
enum class Durability { now, with_next };

class Db {
 public:
  /// Opens with WAL, synchronous=FULL, foreign keys on, busy time-out 5 s. The file's checks are
  /// StateFile's.
  static Result<Db> open(const std::filesystem::path& file, OpenMode mode);
  Db(Db&&) noexcept;
  Db& operator=(Db&&) noexcept;
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;
  ~Db();

  /// Runs one statement to its end; $1.. are `args` in order.
  template <class... Args>
  Result<void> run(std::string_view sql, Args&&... args) {
    return execute(sql, {to_value(std::forward<Args>(args))...}, nullptr);
  }
  /// Runs a query and calls `row` for each row.
  template <class... Args>
  Result<void> each(std::string_view sql, const std::function<void(const Row&)>& row,
                    Args&&... args) {
    return execute(sql, {to_value(std::forward<Args>(args))...}, &row);
  }
  /// The first column of the first row, if there is a row and it is not NULL.
  template <class... Args>
  Result<std::optional<std::int64_t>> number(std::string_view sql, Args&&... args) {
    std::optional<std::int64_t> out;
    const std::function<void(const Row&)> take = [&](const Row& row) {
      if (!out && !row.is_null(0)) out = row.integer(0);
    };
    MXF_CHECK(execute(sql, {to_value(std::forward<Args>(args))...}, &take));
    return out;
  }
  template <class... Args>
  Result<std::optional<std::string>> text(std::string_view sql, Args&&... args) {
    std::optional<std::string> out;
    const std::function<void(const Row&)> take = [&](const Row& row) {
      if (!out && !row.is_null(0)) out = row.text(0);
    };
    MXF_CHECK(execute(sql, {to_value(std::forward<Args>(args))...}, &take));
    return out;
  }
  /// Several statements separated by ';', without parameters: schema only.
  Result<void> script(const std::string& sql);
  /// BEGIN IMMEDIATE. The transaction rolls back unless committed; one at a time.
  Result<Transaction> begin(Durability durability = Durability::now);
  bool in_transaction() const;
  std::int64_t last_id() const;
  std::int64_t changes() const;

 private:
  friend class Transaction;
  explicit Db(sqlite3* handle);
  Result<void> execute(std::string_view sql, const std::vector<Value>& args,
                       const std::function<void(const Row&)>* row);
  Unexpected<Error> failed(std::string_view sql) const;

  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>>
      statements_;  // destroyed before handle_
};

/// The error for a row that cannot be what was written: names the file and what helps.
Unexpected<Error> damaged(Db& db, std::string_view what);

class [[nodiscard]] Transaction {
 public:
  Transaction(Transaction&& other) noexcept
      : db_(std::exchange(other.db_, nullptr)), durability_(other.durability_) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  /// Durable when it returns (synchronous=FULL), unless it was begun as with_next.
  Result<void> commit();

 private:
  friend class Db;
  Transaction(Db& db, Durability durability) : db_(&db), durability_(durability) {}
  void end();
  Db* db_;
  Durability durability_;
};

}  // namespace mxferry::store
