#include "store/store.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <mutex>

#include "base/clock.h"
#include "base/hash.h"
#include "store/migrations.h"
#include "store/sqlite.h"
#include "task/nearest.h"

namespace kopt {
namespace {

using Json = nlohmann::ordered_json;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

constexpr int64_t kCheckedBytes = int64_t{64} << 20;  // files up to this size are checked whole when opened

// Bytes that are no UTF-8 are replaced: a reply or a log must never cost the row it stands in.
std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json Parse(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(nullptr) : json;
}

// A column of a row that must be there.
std::unexpected<Error> Missing(const Database& database, std::string_view what) {
  return std::unexpected(Error{.message = fmt::format("the state holds no {}", what), .file = database.file()});
}

Result<int64_t> RunId(Database& database, std::string_view run) {
  KOPT_TRY(Statement statement, database.Query("SELECT id FROM run WHERE name = ?", run));
  KOPT_TRY(const bool found, statement.Step());
  if (!found) return Missing(database, fmt::format("run `{}`", run));
  return statement.Int(0);
}

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
          .settings = Parse(row.Text(11)),
          .result = Parse(row.Text(12)),
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

Json StageSeconds(const Verdict& verdict) {
  Json seconds = Json::array();
  for (const auto& [stage, cost] : verdict.stage_seconds) seconds.push_back({stage, cost});
  return seconds;
}

std::vector<std::pair<std::string, double>> ReadStageSeconds(const Json& json) {
  std::vector<std::pair<std::string, double>> seconds;
  for (const Json& entry : json) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) continue;
    seconds.emplace_back(entry[0].get<std::string>(), entry[1].get<double>());
  }
  return seconds;
}

Result<int64_t> InsertVerdict(Database& database, int64_t run, const VerdictRow& row) {
  const Verdict& verdict = row.verdict;
  const std::optional<Interval>& interval = verdict.speedup_interval;
  KOPT_CHECK(database.Run(
      "INSERT INTO verdict (run, turn, configuration, confirmation, outcome, stage, reason, remark, time_us, "
      "baseline_us, speedup, speedup_low, speedup_high, sol_fraction, coverage, confirmed, evidence, stage_seconds, "
      "created, at_seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      run, row.turn, row.configuration, row.confirmation, Name(verdict.outcome), Name(verdict.stage), verdict.reason,
      verdict.remark, verdict.time_us, verdict.baseline_us, verdict.speedup,
      interval ? std::optional(interval->low) : std::nullopt, interval ? std::optional(interval->high) : std::nullopt,
      verdict.sol_fraction, verdict.coverage, verdict.confirmed, Dump(verdict.evidence), Dump(StageSeconds(verdict)),
      row.created.empty() ? Timestamp() : row.created, row.at_seconds));
  return database.LastRow();
}

Result<void> InsertSamples(Database& database, int64_t verdict, const std::vector<ShapeSamples>& samples) {
  KOPT_TRY(Statement insert,
           database.Query("INSERT INTO sample (series, quad, a1, b1, b2, a2) VALUES (?, ?, ?, ?, ?, ?)"));
  for (const ShapeSamples& series : samples) {
    KOPT_CHECK(database.Run(
        "INSERT INTO series (verdict, shape, process, calls_a, calls_b, empty_a, empty_b) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        verdict, series.shape, series.process, series.calls_a, series.calls_b, series.empty_a, series.empty_b));
    const int64_t id = database.LastRow();
    for (size_t quad = 0; quad < series.quads.size(); ++quad) {
      const Quad& sample = series.quads[quad];
      insert.Bind(id);
      insert.Bind(static_cast<int64_t>(quad));
      for (double seconds : {sample.a1, sample.b1, sample.b2, sample.a2}) insert.Bind(seconds);
      KOPT_CHECK(insert.Run());
    }
  }
  return {};
}

VerdictRow ReadVerdict(const Statement& row) {
  VerdictRow result{.id = row.Int(0),
                    .turn = static_cast<int>(row.Int(1)),
                    .configuration = row.Text(2),
                    .confirmation = row.Int(3) != 0,
                    .created = row.Text(18),
                    .at_seconds = row.Real(19).value_or(0)};
  Verdict& verdict = result.verdict;
  verdict.outcome = ParseOutcome(row.Text(4)).value_or(Outcome::kRejected);
  verdict.stage = ParseStage(row.Text(5)).value_or(Stage::kParse);
  verdict.reason = row.Text(6);
  verdict.remark = row.Text(7);
  verdict.time_us = row.Real(8);
  verdict.baseline_us = row.Real(9);
  verdict.speedup = row.Real(10);
  if (row.Real(11) && row.Real(12)) verdict.speedup_interval = Interval{*row.Real(11), *row.Real(12)};
  verdict.sol_fraction = row.Real(13);
  verdict.coverage = row.Real(14);
  verdict.confirmed = row.Int(15) != 0;
  verdict.evidence = Parse(row.Text(16));
  verdict.stage_seconds = ReadStageSeconds(Parse(row.Text(17)));
  return result;
}

Result<std::vector<Quad>> ReadQuads(Database& database, int64_t series) {
  KOPT_TRY(Statement rows, database.Query("SELECT a1, b1, b2, a2 FROM sample WHERE series = ? ORDER BY quad", series));
  std::vector<Quad> quads;
  while (true) {
    KOPT_TRY(const bool row, rows.Step());
    if (!row) return quads;
    const auto seconds = [&](int column) { return rows.Real(column).value_or(std::nan("")); };
    quads.push_back({seconds(0), seconds(1), seconds(2), seconds(3)});
  }
}

Result<std::vector<ShapeSamples>> ReadSamples(Database& database, int64_t verdict) {
  KOPT_TRY(Statement rows, database.Query("SELECT id, shape, process, calls_a, calls_b, empty_a, empty_b FROM series "
                                          "WHERE verdict = ? ORDER BY id",
                                          verdict));
  std::vector<ShapeSamples> samples;
  while (true) {
    KOPT_TRY(const bool row, rows.Step());
    if (!row) return samples;
    KOPT_TRY(auto quads, ReadQuads(database, rows.Int(0)));
    samples.push_back({.shape = static_cast<int>(rows.Int(1)),
                       .process = static_cast<int>(rows.Int(2)),
                       .calls_a = static_cast<int>(rows.Int(3)),
                       .calls_b = static_cast<int>(rows.Int(4)),
                       .empty_a = rows.Real(5).value_or(std::nan("")),
                       .empty_b = rows.Real(6).value_or(std::nan("")),
                       .quads = std::move(quads)});
  }
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

struct Store::Impl {
  explicit Impl(std::unique_ptr<Database> opened) : database(std::move(opened)) {}
  std::mutex mutex;
  std::unique_ptr<Database> database;
};

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

Result<void> Store::AddTask(std::string_view spec_hash, std::string_view name, std::string_view text) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->database->Run(
      "INSERT INTO task (spec_hash, name, text, created) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (spec_hash) DO NOTHING",
      spec_hash, name, text, Timestamp());
}

Result<void> Store::AddRun(const RunRow& run) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->database->Run(
      "INSERT INTO run (name, task, spec_hash, target, device, state, outcome, started, ended, budget_seconds, "
      "active_seconds, settings, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      run.run, run.task, run.spec_hash, run.target, run.device, run.state, run.outcome, run.started, run.ended,
      run.budget_seconds, run.active_seconds, Dump(run.settings), Dump(run.result));
}

Result<void> Store::UpdateRun(const RunRow& run) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run.run));
  return impl_->database->Run(
      "UPDATE run SET state = ?, outcome = ?, ended = ?, active_seconds = ?, result = ? WHERE id = ?", run.state,
      run.outcome, run.ended, run.active_seconds, Dump(run.result), id);
}

Result<std::vector<RunRow>> Store::Runs() {
  const std::lock_guard lock(impl_->mutex);
  return ReadRuns(*impl_->database);
}

Result<RunRow> Store::FindRun(std::string_view name) {
  KOPT_TRY(const std::vector<RunRow> runs, Runs());
  return PickRun(runs, name);
}

Result<RowId> Store::AddCandidate(std::string_view source, std::string_view normalised) {
  const std::lock_guard lock(impl_->mutex);
  // The update that changes nothing makes RETURNING answer for a row that was there before.
  KOPT_TRY(
      Statement insert,
      impl_->database->Query("INSERT INTO candidate (source_hash, normalised_hash, source, created) "
                             "VALUES (?, ?, ?, ?) ON CONFLICT (source_hash) DO UPDATE SET source_hash = source_hash "
                             "RETURNING id",
                             ContentHash(source), ContentHash(normalised), source, Timestamp()));
  KOPT_TRY(const bool row, insert.Step());
  const RowId id = row ? insert.Int(0) : 0;
  KOPT_CHECK(insert.Run());
  return id;
}

Result<std::string> Store::CandidateSource(RowId candidate) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Statement query, impl_->database->Query("SELECT source FROM candidate WHERE id = ?", candidate));
  KOPT_TRY(const bool row, query.Step());
  if (!row) return Missing(*impl_->database, fmt::format("candidate {}", candidate));
  return query.Text(0);
}

Result<void> Store::AddTurn(std::string_view run, const TurnRow& turn) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run));
  return impl_->database->Run("INSERT INTO turn (run, turn, candidate, created, detail) VALUES (?, ?, ?, ?, ?)", id,
                              turn.turn, turn.candidate, turn.created.empty() ? Timestamp() : turn.created,
                              Dump(turn.detail));
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
                     .detail = Parse(rows.Text(3))});
  }
}

Result<RowId> Store::AddVerdict(std::string_view run, const VerdictRow& row) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(Transaction transaction, Transaction::Begin(database));
  KOPT_TRY(const int64_t run_id, RunId(database, run));
  KOPT_TRY(const int64_t id, InsertVerdict(database, run_id, row));
  KOPT_CHECK(InsertSamples(database, id, row.verdict.samples));
  KOPT_CHECK(transaction.Commit());
  return id;
}

Result<std::vector<VerdictRow>> Store::Verdicts(std::string_view run, bool with_samples) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(const int64_t id, RunId(database, run));
  KOPT_TRY(Statement rows,
           database.Query("SELECT id, turn, configuration, confirmation, outcome, stage, reason, remark, time_us, "
                          "baseline_us, speedup, speedup_low, speedup_high, sol_fraction, coverage, confirmed, "
                          "evidence, stage_seconds, created, at_seconds FROM verdict WHERE run = ? ORDER BY id",
                          id));
  std::vector<VerdictRow> verdicts;
  while (true) {
    KOPT_TRY(const bool row, rows.Step());
    if (!row) return verdicts;
    verdicts.push_back(ReadVerdict(rows));
    if (!with_samples) continue;
    KOPT_TRY(verdicts.back().verdict.samples, ReadSamples(database, verdicts.back().id));
  }
}

Result<void> Store::AddEvent(std::string_view run, std::string_view kind, const nlohmann::ordered_json& detail) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run));
  return impl_->database->Run("INSERT INTO event (run, kind, detail, created) VALUES (?, ?, ?, ?)", id, kind,
                              Dump(detail), Timestamp());
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
