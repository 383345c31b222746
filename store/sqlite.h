// A small shell around SQLite's C interface; the only place of kopt that calls it. Private to store/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kopt::sqlite {

// What went wrong with `file`, from SQLite's (extended) result code and the errno behind it, and what to do about it.
// Exit 3 for the host's faults (full disk, lock, permission, damage), 4 for a statement that breaks a rule of ours.
Error Failure(int code, int system_errno, std::string_view detail, const std::string& file);

// A file whose content contradicts itself; `detail`: what is wrong with it.
Error Damaged(std::string_view detail, const std::string& file);

class Database;

// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

// One prepared statement. Values are bound in order; the first failure is kept and returned by the next Step.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  void Bind(int64_t value);
  void Bind(int value) { Bind(static_cast<int64_t>(value)); }
  void Bind(bool value) { Bind(static_cast<int64_t>(value)); }
  void Bind(double value);  // NaN becomes NULL
  void Bind(std::string_view value);
  void Bind(const std::string& value) { Bind(std::string_view(value)); }
  void Bind(const char* value) { Bind(std::string_view(value)); }
  void Bind(std::optional<double> value);
  void Bind(std::optional<int64_t> value);
  void Bind(Blob value);

  // True: a row is there. False: done.
  Result<bool> Step();
  // Runs to its end, drops the values: ready to be bound again.
  Result<void> Run();

  int64_t Int(int column) const;
  std::optional<int64_t> IntIfAny(int column) const;  // nothing: NULL
  std::optional<double> Real(int column) const;       // nothing: NULL
  std::string Text(int column) const;                 // NULL: empty
  std::string Bytes(int column) const;                // of a blob

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  Database* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  int code_ = 0;
};

// One connection. Not for several threads at once. Statements that are used again are compiled once.
class Database {
 public:
  // Opens or creates the file for reading and writing.
  static Result<std::unique_ptr<Database>> Open(const std::filesystem::path& file, int busy_milliseconds);
  Database(const Database&) = delete;  // statements point to it
  Database& operator=(const Database&) = delete;
  ~Database();

  template <class... Values>
  Result<Statement> Query(std::string_view sql, const Values&... values) {
    KOPT_TRY(Statement statement, Prepare(sql));
    (statement.Bind(values), ...);
    return statement;
  }
  template <class... Values>
  Result<void> Run(std::string_view sql, const Values&... values) {
    KOPT_TRY(Statement statement, Query(sql, values...));
    return statement.Run();
  }
  // Switches the journal to WAL, or finds it so. The switch needs the file alone, and SQLite itself does not wait for
  // that.
  Result<void> UseWriteAheadLog();
  // Several statements in one text.
  Result<void> Script(const char* sql);
  // The first column of the first row; 0 without a row.
  Result<int64_t> Number(std::string_view sql);
  int64_t LastRow() const;
  const std::string& file() const { return file_; }
  std::unexpected<Error> Fail(int code) const;

 private:
  Database(sqlite3* database, std::string file, int busy_milliseconds)
      : database_(database), file_(std::move(file)), busy_milliseconds_(busy_milliseconds) {}
  friend class Statement;
  Result<Statement> Prepare(std::string_view sql);
  // Of a statement that is not used any more: keeps it for the next one of the same text.
  void Keep(sqlite3_stmt* statement);
  sqlite3* database_;
  std::string file_;
  int busy_milliseconds_;
  std::map<std::string, sqlite3_stmt*, std::less<>> idle_;
};

// While one lives, commits reach the disk with the next commit made without one, and not by themselves: for what can be
// made again from what is there already. They are complete or absent in any case, and survive the end of the process.
class SyncWithNext {
 public:
  explicit SyncWithNext(Database& database) : database_(database) {
    (void)database_.Run("PRAGMA synchronous = NORMAL");
  }
  SyncWithNext(const SyncWithNext&) = delete;
  SyncWithNext& operator=(const SyncWithNext&) = delete;
  ~SyncWithNext() { (void)database_.Run("PRAGMA synchronous = FULL"); }

 private:
  Database& database_;
};

// A write transaction: rolled back unless committed.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) { other.database_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> Commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  // null: nothing to roll back
};

}  // namespace kopt::sqlite
