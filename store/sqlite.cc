#include "store/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"

namespace kopt::sqlite {
namespace {

bool IsFull(int system_errno) { return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG; }

Error Make(Exit exit, std::string message, const std::string& file, std::string hint) {
  return {.exit = exit, .message = std::move(message), .file = file, .hint = std::move(hint)};
}

Error Full(const std::string& file) {
  return Make(Exit::kEnvironment, "no space is left to write the state", file,
              "free some space or name another folder with --state; what was stored before is intact");
}

Error Unwritable(std::string_view why, const std::string& file) {
  return Make(Exit::kEnvironment, fmt::format("the state cannot be written: {}", why), file,
              "make the file and its folder writable, or name another folder with --state");
}

Error InputOutput(int system_errno, std::string_view detail, const std::string& file) {
  if (IsFull(system_errno)) return Full(file);
  const std::string why = system_errno != 0 ? std::strerror(system_errno) : std::string(detail);
  return Make(Exit::kEnvironment, fmt::format("the state cannot be read or written: {}", why), file,
              "check the disk, or name another folder with --state; what was stored before is intact");
}

// SQLite tries once more for reading only, so the errno it leaves is that of the second try.
std::string WhyNotOpened(const std::string& file) {
  const std::filesystem::path path(file);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return "a folder is in its place";
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) return std::strerror(errno);
  return "it cannot be opened";
}

}  // namespace

Error Damaged(std::string_view detail, const std::string& file) {
  return Make(Exit::kEnvironment, fmt::format("the state file is damaged ({})", detail), file,
              "move it away and kopt starts a new one; `sqlite3 FILE .recover` saves what can still be read");
}

Error Failure(int code, int system_errno, std::string_view detail, const std::string& file) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Full(file);
    case SQLITE_IOERR:
      return InputOutput(system_errno, detail, file);
    case SQLITE_CORRUPT:
      return Damaged(detail, file);
    case SQLITE_NOTADB:
      return Make(Exit::kEnvironment, "the file is not a database", file,
                  "move it away, or name another folder with --state");
    case SQLITE_CANTOPEN:
      return IsFull(system_errno) ? Full(file) : Unwritable(WhyNotOpened(file), file);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Unwritable("it is read-only", file);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Make(Exit::kEnvironment, "the state file is locked by another process", file,
                  "wait until that one has finished or stop it, or name another folder with --state");
    default:
      return Make(Exit::kInternal, fmt::format("the state refused a statement: {}", detail), file, "");
  }
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(other.statement_), bound_(other.bound_), code_(other.code_) {
  other.statement_ = nullptr;
}

Statement::~Statement() {
  if (statement_ != nullptr) database_->Keep(statement_);
}

void Statement::Bind(int64_t value) {
  const int code = sqlite3_bind_int64(statement_, ++bound_, value);
  if (code_ == SQLITE_OK) code_ = code;
}

void Statement::Bind(double value) {
  const int code = sqlite3_bind_double(statement_, ++bound_, value);
  if (code_ == SQLITE_OK) code_ = code;
}

void Statement::Bind(std::string_view value) {
  const char* data = value.empty() ? "" : value.data();  // a null pointer would bind NULL
  const int code = sqlite3_bind_text64(statement_, ++bound_, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code_ == SQLITE_OK) code_ = code;
}

void Statement::Bind(std::optional<double> value) {
  if (value) return Bind(*value);
  const int code = sqlite3_bind_null(statement_, ++bound_);
  if (code_ == SQLITE_OK) code_ = code;
}

void Statement::Bind(std::optional<int64_t> value) {
  if (value) return Bind(*value);
  Bind(std::optional<double>());
}

void Statement::Bind(Blob value) {
  const char* data = value.bytes.empty() ? "" : value.bytes.data();
  const int code = sqlite3_bind_blob64(statement_, ++bound_, data, value.bytes.size(), SQLITE_TRANSIENT);
  if (code_ == SQLITE_OK) code_ = code;
}

Result<bool> Statement::Step() {
  if (code_ != SQLITE_OK) return database_->Fail(code_);
  errno = 0;
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) return database_->Fail(code);
  return code == SQLITE_ROW;
}

Result<void> Statement::Run() {
  while (true) {
    const auto row = Step();
    if (row && *row) continue;
    sqlite3_reset(statement_);
    bound_ = 0;
    if (!row) return std::unexpected(row.error());
    return {};
  }
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<int64_t> Statement::IntIfAny(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return Int(column);
}

std::optional<double> Statement::Real(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return sqlite3_column_double(statement_, column);
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return "";
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string Statement::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return "";
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<std::unique_ptr<Database>> Database::Open(const std::filesystem::path& file, int busy_milliseconds) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<Database> database(new Database(handle, file.string(), busy_milliseconds));
  if (code != SQLITE_OK) return database->Fail(code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_milliseconds);
  // SQLite opens what it may not write for reading only, without a word.
  if (sqlite3_db_readonly(handle, "main") == 1) return database->Fail(SQLITE_READONLY);
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close_v2(database_);
}

void Database::Keep(sqlite3_stmt* statement) {
  constexpr size_t kMostIdle = 64;
  const std::string_view sql = sqlite3_sql(statement);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  // Many pragmas do what they say when they are compiled.
  const bool again = !sql.starts_with("PRAGMA") && idle_.size() < kMostIdle;
  if (!again || !idle_.try_emplace(std::string(sql), statement).second) sqlite3_finalize(statement);
}

Result<Statement> Database::Prepare(std::string_view sql) {
  if (const auto found = idle_.find(sql); found != idle_.end()) {
    sqlite3_stmt* statement = found->second;
    idle_.erase(found);
    return Statement(*this, statement);
  }
  sqlite3_stmt* statement = nullptr;
  errno = 0;
  const int code = sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return Fail(code);
  return Statement(*this, statement);
}

Result<void> Database::UseWriteAheadLog() {
  const double end = SystemClock().Now() + busy_milliseconds_ / 1000.0;
  while (true) {
    const auto switched = Run("PRAGMA journal_mode = WAL");
    const bool locked = !switched && (sqlite3_errcode(database_) & 0xff) == SQLITE_BUSY;
    if (!locked || SystemClock().Now() >= end) return switched;
    SystemClock().Sleep(0.005);
  }
}

Result<void> Database::Script(const char* sql) {
  errno = 0;
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Fail(code);
  return {};
}

Result<int64_t> Database::Number(std::string_view sql) {
  KOPT_TRY(Statement statement, Prepare(sql));
  KOPT_TRY(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

int64_t Database::LastRow() const { return sqlite3_last_insert_rowid(database_); }

std::unexpected<Error> Database::Fail(int code) const {
  const int system_errno = errno;  // sqlite3_system_errno knows nothing of a failed write
  const char* detail = database_ != nullptr ? sqlite3_errmsg(database_) : sqlite3_errstr(code);
  return std::unexpected(Failure(code, system_errno, detail, file_));
}

Result<Transaction> Transaction::Begin(Database& database) {
  KOPT_CHECK(database.Run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->Run("ROLLBACK");
}

Result<void> Transaction::Commit() {
  KOPT_CHECK(database_->Run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace kopt::sqlite
