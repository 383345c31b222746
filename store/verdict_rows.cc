#include <cmath>

#include "base/clock.h"
#include "store/rows.h"

namespace kopt {

using Json = nlohmann::ordered_json;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

namespace {

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
      verdict.sol_fraction, verdict.coverage, verdict.confirmed, DumpJson(verdict.evidence),
      DumpJson(StageSeconds(verdict)), row.created.empty() ? Timestamp() : row.created, row.at_seconds));
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
  verdict.evidence = ParseJson(row.Text(16));
  if (!verdict.evidence.is_object()) verdict.evidence = Json::object();
  verdict.stage_seconds = ReadStageSeconds(ParseJson(row.Text(17)));
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

}  // namespace

Result<RowId> Store::AddVerdict(std::string_view run, const VerdictRow& row) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(Transaction transaction, Transaction::Begin(database));
  KOPT_TRY(const int64_t run_id, RunId(database, run));
  KOPT_TRY(const int64_t id, InsertVerdict(database, run_id, row));
  KOPT_CHECK(InsertSamples(database, id, row.verdict.samples));
  KOPT_CHECK(database.Run("UPDATE run SET active_seconds = max(active_seconds, coalesce(?, 0)) WHERE id = ?",
                          row.at_seconds, run_id));
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

}  // namespace kopt
