// What keeps the state from growing for ever: runs that are removed, samples that are let go.
#include "store/rows.h"

namespace kopt {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

namespace {

Result<void> DeleteSamples(Database& database, int64_t run) {
  KOPT_CHECK(
      database.Run("DELETE FROM sample WHERE series IN (SELECT series.id FROM series JOIN verdict "
                   "ON verdict.id = series.verdict WHERE verdict.run = ?)",
                   run));
  return database.Run("DELETE FROM series WHERE verdict IN (SELECT id FROM verdict WHERE run = ?)", run);
}

// Tasks, files and candidates that no run speaks of any more.
constexpr const char* kDeleteOrphans = R"sql(
DELETE FROM candidate WHERE id NOT IN (SELECT candidate FROM turn)
  AND source_hash NOT IN (SELECT coalesce(json_extract(settings, '$.baseline.source'), '') FROM run)
  AND id NOT IN (SELECT coalesce(json_extract(settings, '$.baseline.candidate'), 0) FROM run);
DELETE FROM task_file WHERE spec_hash NOT IN (SELECT spec_hash FROM run);
DELETE FROM task WHERE spec_hash NOT IN (SELECT spec_hash FROM run);
DELETE FROM file WHERE hash NOT IN (SELECT hash FROM task_file);
)sql";

}  // namespace

Result<bool> Store::RemoveRun(const RunRow& run) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(Transaction transaction, Transaction::Begin(database));
  KOPT_TRY(const int64_t id, RunId(database, run.run));
  KOPT_TRY(Statement same, database.Query("SELECT 1 FROM run WHERE id = ? AND state = ? AND settings = ?", id,
                                          run.state, DumpJson(run.settings)));
  KOPT_TRY(const bool unchanged, same.Step());
  if (!unchanged) return false;
  KOPT_CHECK(same.Run());
  KOPT_CHECK(DeleteSamples(database, id));
  for (const char* table : {"verdict", "turn", "exchange", "event"}) {
    KOPT_CHECK(database.Run(fmt::format("DELETE FROM {} WHERE run = ?", table), id));
  }
  KOPT_CHECK(database.Run("DELETE FROM run WHERE id = ?", id));
  KOPT_CHECK(database.Script(kDeleteOrphans));
  KOPT_CHECK(transaction.Commit());
  return true;
}

Result<void> Store::DropSamples(std::string_view run) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(Transaction transaction, Transaction::Begin(database));
  KOPT_TRY(const int64_t id, RunId(database, run));
  KOPT_CHECK(DeleteSamples(database, id));
  return transaction.Commit();
}

Result<std::vector<std::string>> Store::RunsWithSamples() {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Statement rows, impl_->database->Query(
                               "SELECT name FROM run WHERE EXISTS (SELECT 1 FROM verdict "
                               "JOIN series ON series.verdict = verdict.id WHERE verdict.run = run.id) ORDER BY id"));
  std::vector<std::string> names;
  while (true) {
    KOPT_TRY(const bool row, rows.Step());
    if (!row) return names;
    names.push_back(rows.Text(0));
  }
}

Result<int64_t> Store::UsedBytes() {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(const int64_t pages, database.Number("PRAGMA page_count"));
  KOPT_TRY(const int64_t unused, database.Number("PRAGMA freelist_count"));
  KOPT_TRY(const int64_t page_bytes, database.Number("PRAGMA page_size"));
  return (pages - unused) * page_bytes;
}

Result<int64_t> Store::ArrayBytes() {
  const std::lock_guard lock(impl_->mutex);
  return impl_->database->Number("SELECT coalesce(sum(length(content)), 0) FROM file");
}

Result<bool> Store::HasFile(std::string_view hash) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Statement found, impl_->database->Query("SELECT 1 FROM file WHERE hash = ?", hash));
  return found.Step();
}

Result<void> Store::Compact() {
  const std::lock_guard lock(impl_->mutex);
  KOPT_CHECK(impl_->database->Run("VACUUM"));
  // Else the file stays as large until somebody else happens to fold the log back into it.
  return impl_->database->Run("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace kopt
