#include "store/store.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/clock.h"
#include "base/hash.h"
#include "store/migrations.h"
#include "store/rows.h"
#include "task/nearest.h"

namespace kopt {
namespace {

using Json = nlohmann::ordered_json;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

constexpr int64_t kCheckedBytes = int64_t{64} << 20;  // files up to this size are checked whole when opened

constexpr std::string_view kSelectRuns =
    "SELECT name, task, spec_hash, target, device, state, outcome, started, ended, budget_seconds, active_seconds, "
    "settings, result, (SELECT count(*) FROM turn WHERE turn.run = run.id) FROM run ORDER BY id DESC";

RunRow ReadRun(const Statement& row) {
  return {.run = row.Text(0),
          .task = row.Text(1),
          .spec_hash = row.Text(2),
          .target = row.Text(3),
          .device = row.Text(4),
          .state = row.Text(5),
          .outcome = row.Text(6),
          .started = row.Text(7),
          .ended = row.Text(8),
          .budget_seconds = row.Real(9).value_or(0),
          .active_seconds = row.Real(10).value_or(0),
          .settings = ParseJson(row.Text(11)),
          .result = ParseJson(row.Text(12)),
          .turns = static_cast<int>(row.Int(13))};
}

Result<std::vector<RunRow>> ReadRuns(Database& database) {
  KOPT_TRY(Statement rows, database.Query(kSelectRuns));
  std::vector<RunRow> runs;
  while (true) {
    KOPT_TRY(const bool row, rows.Step());
    if (!row) return runs;
    runs.push_back(ReadRun(rows));
  }
}

std::string Names(const std::vector<const RunRow*>& runs) {
  std::string names;
  for (const RunRow* run : runs) names += fmt::format("{}`{}`", names.empty() ? "" : ", ", run->run);
  return names;
}

Result<RunRow> PickRun(const std::vector<RunRow>& runs, std::string_view name) {
  if (runs.empty()) return UsageError("there is no run yet", "`kopt optimize SPEC` makes one");
  if (name == "last") return runs.front();
  std::vector<const RunRow*> matches;
  std::vector<std::string> names;
  for (const RunRow& run : runs) {
    if (run.run == name) return run;
    if (!name.empty() && run.run.starts_with(name)) matches.push_back(&run);
    names.push_back(run.run);
  }
  if (matches.size() == 1) return *matches.front();
  const std::string shown = Shown(name, 80);
  if (matches.size() > 1) {
    matches.resize(std::min<size_t>(matches.size(), 5));
    return UsageError(fmt::format("`{}` begins the name of more than one run", shown), "name one of " + Names(matches));
  }
  const std::string nearest = Nearest(name, names);
  return UsageError(fmt::format("there is no run `{}`", shown),
                    nearest.empty() ? "`kopt runs` lists them" : fmt::format("did you mean `{}`?", nearest));
}

Result<void> InsertRun(Database& database, const RunRow& run) {
  return database.Run(
      "INSERT INTO run (name, task, spec_hash, target, device, state, outcome, started, ended, budget_seconds, "
      "active_seconds, settings, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      run.run, run.task, run.spec_hash, run.target, run.device, run.state, run.outcome, run.started, run.ended,
      run.budget_seconds, run.active_seconds, DumpJson(run.settings), DumpJson(run.result));
}

Result<void> CheckIntegrity(Database& database) {
  KOPT_TRY(const int64_t pages, database.Number("PRAGMA page_count"));
  KOPT_TRY(const int64_t page_bytes, database.Number("PRAGMA page_size"));
  if (pages * page_bytes > kCheckedBytes) return {};
  KOPT_TRY(Statement check, database.Query("PRAGMA quick_check(1)"));
  KOPT_TRY(const bool row, check.Step());
  const std::string answer = row ? check.Text(0) : "no answer";
  if (answer == "ok") return {};
  return std::unexpected(sqlite::Damaged(answer, database.file()));
}

Result<void> CreateFolder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (!code && std::filesystem::is_directory(folder, code)) return {};
  return std::unexpected(Error{.exit = Exit::kEnvironment,
                               .message = fmt::format("the state folder cannot be made: {}",
                                                      code ? code.message() : "a file of this name is in its place"),
                               .file = folder.string(),
                               .hint = "name a folder that can be written with --state"});
}

}  // namespace

Result<void> InsertTurn(Database& database, std::string_view run, const TurnRow& turn) {
  KOPT_TRY(const int64_t id, RunId(database, run));
  return database.Run("INSERT INTO turn (run, turn, candidate, created, detail) VALUES (?, ?, ?, ?, ?)", id, turn.turn,
                      turn.candidate, turn.created.empty() ? Timestamp() : turn.created, DumpJson(turn.detail));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::Open(const std::filesystem::path& folder, double busy_seconds) {
  if (folder.empty()) {
    return EnvironmentError("there is no place for the state: neither XDG_STATE_HOME nor HOME is set",
                            "name a folder with --state DIR");
  }
  KOPT_CHECK(CreateFolder(folder));
  const int busy_milliseconds = static_cast<int>(1000 * std::clamp(busy_seconds, 0.0, 3600.0));
  KOPT_TRY(auto database, Database::Open(folder / "kopt.sqlite", busy_milliseconds));
  KOPT_CHECK(database->Run("PRAGMA synchronous = FULL"));
  KOPT_CHECK(database->Run("PRAGMA foreign_keys = ON"));
  KOPT_CHECK(Migrate(*database));
  KOPT_CHECK(CheckIntegrity(*database));
  return Store(std::make_unique<Impl>(std::move(database)));
}

Result<void> Store::CheckWritable() { return Put("probe", "written", Timestamp()); }

Result<void> Store::AddRun(const RunRow& run) {
  const std::lock_guard lock(impl_->mutex);
  return InsertRun(*impl_->database, run);
}

Result<void> Store::BeginRun(const RunRow& run, const TaskRow& task, std::span<const CandidateText> candidates,
                             const nlohmann::ordered_json& turn_detail) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(Transaction transaction, Transaction::Begin(database));
  KOPT_CHECK(InsertTask(database, task));
  TurnRow turn{.turn = 0, .detail = turn_detail};
  for (const CandidateText& candidate : candidates) {
    KOPT_TRY(const RowId id, InsertCandidate(database, candidate.source, candidate.normalised));
    if (turn.candidate == 0) turn.candidate = id;
  }
  KOPT_CHECK(InsertRun(database, run));
  KOPT_CHECK(InsertTurn(database, run.run, turn));
  return transaction.Commit();
}

Result<void> Store::UpdateRun(const RunRow& run) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run.run));
  return impl_->database->Run(
      "UPDATE run SET state = ?, outcome = ?, ended = ?, budget_seconds = ?, active_seconds = max(active_seconds, ?), "
      "settings = ?, result = ? WHERE id = ?",
      run.state, run.outcome, run.ended, run.budget_seconds, run.active_seconds, DumpJson(run.settings),
      DumpJson(run.result), id);
}

Result<bool> Store::ClaimRun(const RunRow& run, const nlohmann::ordered_json& settings) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(Statement update,
           database.Query("UPDATE run SET state = 'running', ended = '', settings = ?, "
                          "budget_seconds = ? WHERE name = ? AND state = ? AND settings = ? "
                          "RETURNING id",
                          DumpJson(settings), run.budget_seconds, run.run, run.state, DumpJson(run.settings)));
  return Changed(std::move(update));
}

Result<std::vector<RunRow>> Store::Runs() {
  const std::lock_guard lock(impl_->mutex);
  return ReadRuns(*impl_->database);
}

Result<RunRow> Store::FindRun(std::string_view name) {
  KOPT_TRY(const std::vector<RunRow> runs, Runs());
  return PickRun(runs, name);
}

Result<void> Store::AddTurn(std::string_view run, const TurnRow& turn) {
  const std::lock_guard lock(impl_->mutex);
  return InsertTurn(*impl_->database, run, turn);
}

Result<std::vector<TurnRow>> Store::Turns(std::string_view run) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run));
  KOPT_TRY(Statement rows,
           impl_->database->Query("SELECT turn, candidate, created, detail FROM turn WHERE run = ? ORDER BY turn", id));
  std::vector<TurnRow> turns;
  while (true) {
    KOPT_TRY(const bool row, rows.Step());
    if (!row) return turns;
    turns.push_back({.turn = static_cast<int>(rows.Int(0)),
                     .candidate = rows.Int(1),
                     .created = rows.Text(2),
                     .detail = ParseJson(rows.Text(3))});
  }
}

Result<void> Store::AddEvent(std::string_view run, std::string_view kind, const nlohmann::ordered_json& detail) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run));
  return impl_->database->Run("INSERT INTO event (run, kind, detail, created) VALUES (?, ?, ?, ?)", id, kind,
                              DumpJson(detail), Timestamp());
}

Result<std::optional<std::string>> Store::Get(std::string_view space, std::string_view key) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Statement query, impl_->database->Query("SELECT value FROM fact WHERE space = ? AND key = ?", space, key));
  KOPT_TRY(const bool row, query.Step());
  if (!row) return std::nullopt;
  return query.Text(0);
}

Result<void> Store::Put(std::string_view space, std::string_view key, std::string_view value) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->database->Run(
      "INSERT INTO fact (space, key, value, created) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, created = excluded.created",
      space, key, value, Timestamp());
}

std::filesystem::path DefaultStateFolder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') return std::filesystem::path(state) / "kopt";
  const char* home = std::getenv("HOME");
  if (home == nullptr || home[0] == 0) return {};
  return std::filesystem::path(home) / ".local/state/kopt";
}

}  // namespace kopt
