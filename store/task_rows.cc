// Tasks, the files that specs fill tensors from, and candidates: everything that is kept by its content.
#include "base/clock.h"
#include "base/hash.h"
#include "store/rows.h"

namespace kopt {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

namespace {

Result<void> InsertFile(Database& database, std::string_view spec_hash, const TaskFile& file) {
  if (file.content) {
    KOPT_CHECK(database.Run("INSERT INTO file (hash, content) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING", file.hash,
                            sqlite::Blob{*file.content}));
  }
  return database.Run(
      "INSERT INTO task_file (spec_hash, name, hash) VALUES (?, ?, ?) ON CONFLICT (spec_hash, name) DO NOTHING",
      spec_hash, file.name, file.hash);
}

Result<std::vector<TaskFile>> ReadFiles(Database& database, std::string_view spec_hash) {
  KOPT_TRY(Statement rows, database.Query("SELECT name, task_file.hash, content, content IS NULL FROM task_file "
                                          "LEFT JOIN file ON file.hash = task_file.hash WHERE spec_hash = ?",
                                          spec_hash));
  std::vector<TaskFile> files;
  while (true) {
    KOPT_TRY(const bool row, rows.Step());
    if (!row) return files;
    TaskFile file{.name = rows.Text(0), .hash = rows.Text(1)};
    if (rows.Int(3) == 0) file.content = rows.Bytes(2);
    files.push_back(std::move(file));
  }
}

}  // namespace

Result<void> InsertTask(Database& database, const TaskRow& task) {
  KOPT_CHECK(
      database.Run("INSERT INTO task (spec_hash, name, text, created) VALUES (?, ?, ?, ?) "
                   "ON CONFLICT (spec_hash) DO NOTHING",
                   task.spec_hash, task.name, task.text, Timestamp()));
  for (const TaskFile& file : task.files) KOPT_CHECK(InsertFile(database, task.spec_hash, file));
  return {};
}

Result<void> Store::AddTask(const TaskRow& task) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Transaction transaction, Transaction::Begin(*impl_->database));
  KOPT_CHECK(InsertTask(*impl_->database, task));
  return transaction.Commit();
}

Result<std::optional<TaskRow>> Store::FindTask(std::string_view spec_hash) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Statement query, impl_->database->Query("SELECT name, text FROM task WHERE spec_hash = ?", spec_hash));
  KOPT_TRY(const bool row, query.Step());
  if (!row) return std::nullopt;
  TaskRow task{.spec_hash = std::string(spec_hash), .name = query.Text(0), .text = query.Text(1)};
  KOPT_TRY(task.files, ReadFiles(*impl_->database, spec_hash));
  return task;
}

Result<RowId> InsertCandidate(Database& database, std::string_view source, std::string_view normalised) {
  // The update that changes nothing makes RETURNING answer for a row that was there before.
  KOPT_TRY(Statement insert,
           database.Query("INSERT INTO candidate (source_hash, normalised_hash, source, created) "
                          "VALUES (?, ?, ?, ?) ON CONFLICT (source_hash) DO UPDATE SET source_hash = source_hash "
                          "RETURNING id",
                          ContentHash(source), ContentHash(normalised), source, Timestamp()));
  KOPT_TRY(const bool row, insert.Step());
  const RowId id = row ? insert.Int(0) : 0;
  KOPT_CHECK(insert.Run());
  return id;
}

Result<RowId> Store::AddCandidate(std::string_view source, std::string_view normalised) {
  const std::lock_guard lock(impl_->mutex);
  return InsertCandidate(*impl_->database, source, normalised);
}

Result<std::string> Store::CandidateSource(RowId candidate) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Statement query, impl_->database->Query("SELECT source FROM candidate WHERE id = ?", candidate));
  KOPT_TRY(const bool row, query.Step());
  if (!row) return Missing(*impl_->database, fmt::format("candidate {}", candidate));
  return query.Text(0);
}

Result<std::optional<std::string>> Store::FindCandidate(std::string_view source_hash) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Statement query, impl_->database->Query("SELECT source FROM candidate WHERE source_hash = ?", source_hash));
  KOPT_TRY(const bool row, query.Step());
  if (!row) return std::nullopt;
  return query.Text(0);
}

}  // namespace kopt
