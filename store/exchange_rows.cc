// What models were asked and answered.
#include "base/clock.h"
#include "store/rows.h"

namespace kopt {

using Json = nlohmann::ordered_json;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

namespace {

ExchangeRow ReadExchange(const Statement& row, bool with_texts) {
  ExchangeRow exchange{.turn = static_cast<int>(row.Int(0)),
                       .state = row.Text(1),
                       .model = row.Text(2),
                       .asked = row.Text(4),
                       .answered = row.Text(5),
                       .asked_at = row.Real(6).value_or(0),
                       .answered_at = row.Real(7),
                       .prompt_tokens = row.IntIfAny(8),
                       .completion_tokens = row.IntIfAny(9),
                       .usd = row.Real(10)};
  for (const Json& turn : ParseJson(row.Text(3))) {
    if (turn.is_number_integer()) exchange.shown.push_back(turn.get<int>());
  }
  exchange.detail = ParseJson(row.Text(11));
  if (!with_texts) return exchange;
  exchange.prompt = row.Text(12);
  exchange.reply = row.Text(13);
  return exchange;
}

constexpr const char* kFigures =
    "SELECT turn, state, model, shown, asked, answered, asked_at, answered_at, prompt_tokens, completion_tokens, usd";

std::string Query(bool with_texts, const char* rest) {
  const char* texts =
      with_texts ? "detail, prompt, reply" : "CASE WHEN json_valid(detail) THEN json_remove(detail, '$.reasoning') END";
  return fmt::format("{}, {} FROM exchange WHERE run = ? {}", kFigures, texts, rest);
}

}  // namespace

Result<int> Store::NextTurn(std::string_view run) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run));
  KOPT_TRY(Statement last, impl_->database->Query("SELECT max(coalesce((SELECT max(turn) FROM exchange WHERE run = ?), "
                                                  "0), coalesce((SELECT max(turn) FROM turn WHERE run = ?), 0))",
                                                  id, id));
  KOPT_CHECK(last.Step());
  return static_cast<int>(last.Int(0)) + 1;
}

Result<bool> Store::AddExchange(std::string_view run, const ExchangeRow& row, bool with_next) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  std::optional<sqlite::SyncWithNext> later;
  if (with_next) later.emplace(database);
  KOPT_TRY(const int64_t id, RunId(database, run));
  KOPT_TRY(Statement insert,
           database.Query("INSERT INTO exchange (run, turn, state, model, prompt, shown, asked, answered, asked_at, "
                          "reply, detail) VALUES (?, ?, 'asked', ?, ?, ?, ?, '', ?, '', ?) "
                          "ON CONFLICT (run, turn) DO NOTHING RETURNING id",
                          id, row.turn, row.model, row.prompt, DumpJson(row.shown),
                          row.asked.empty() ? Timestamp() : row.asked, row.asked_at, DumpJson(row.detail)));
  return Changed(std::move(insert));
}

Result<bool> Store::AnswerExchange(std::string_view run, const ExchangeRow& row) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(Transaction transaction, Transaction::Begin(database));
  KOPT_TRY(const int64_t id, RunId(database, run));
  KOPT_TRY(Statement update,
           database.Query("UPDATE exchange SET state = 'answered', answered = ?, answered_at = ?, reply = ?, "
                          "detail = ?, prompt_tokens = ?, completion_tokens = ?, usd = ? "
                          "WHERE run = ? AND turn = ? AND state = 'asked' RETURNING id",
                          row.answered.empty() ? Timestamp() : row.answered, row.answered_at, row.reply,
                          DumpJson(row.detail), row.prompt_tokens, row.completion_tokens, row.usd, id, row.turn));
  KOPT_TRY(const bool changed, Changed(std::move(update)));
  if (!changed) return false;
  KOPT_CHECK(database.Run("UPDATE run SET active_seconds = max(active_seconds, ?) WHERE id = ?",
                          row.answered_at.value_or(0), id));
  KOPT_CHECK(transaction.Commit());
  return true;
}

Result<bool> Store::EndExchange(std::string_view run, const ExchangeRow& row) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  KOPT_TRY(const int64_t id, RunId(database, run));
  KOPT_TRY(
      Statement update,
      database.Query("UPDATE exchange SET state = ?, detail = ?, prompt_tokens = ?, completion_tokens = ?, usd = ? "
                     "WHERE run = ? AND turn = ? AND state = 'asked' RETURNING id",
                     row.state, DumpJson(row.detail), row.prompt_tokens, row.completion_tokens, row.usd, id, row.turn));
  return Changed(std::move(update));
}

Result<bool> Store::LookAtExchange(std::string_view run, int turn, const std::optional<CandidateText>& candidate,
                                   const Json& detail) {
  const std::lock_guard lock(impl_->mutex);
  Database& database = *impl_->database;
  const sqlite::SyncWithNext later(database);
  KOPT_TRY(Transaction transaction, Transaction::Begin(database));
  KOPT_TRY(const int64_t id, RunId(database, run));
  KOPT_TRY(Statement update, database.Query("UPDATE exchange SET state = 'looked_at', detail = json_patch(detail, ?) "
                                            "WHERE run = ? AND turn = ? AND state = 'answered' RETURNING id",
                                            DumpJson(detail), id, turn));
  KOPT_TRY(const bool changed, Changed(std::move(update)));
  if (!changed) return false;
  if (candidate) {
    KOPT_TRY(const RowId row, InsertCandidate(database, candidate->source, candidate->normalised));
    KOPT_CHECK(InsertTurn(database, run, {.turn = turn, .candidate = row, .detail = {{"kind", "model"}}}));
  }
  KOPT_CHECK(transaction.Commit());
  return true;
}

Result<std::vector<ExchangeRow>> Store::Exchanges(std::string_view run, bool with_texts) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run));
  KOPT_TRY(Statement rows, impl_->database->Query(Query(with_texts, "ORDER BY turn"), id));
  std::vector<ExchangeRow> exchanges;
  while (true) {
    KOPT_TRY(const bool row, rows.Step());
    if (!row) return exchanges;
    exchanges.push_back(ReadExchange(rows, with_texts));
  }
}

Result<std::optional<ExchangeRow>> Store::FindExchange(std::string_view run, int turn) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(const int64_t id, RunId(*impl_->database, run));
  KOPT_TRY(Statement rows, impl_->database->Query(Query(true, "AND turn = ?"), id, turn));
  KOPT_TRY(const bool row, rows.Step());
  if (!row) return std::nullopt;
  return ReadExchange(rows, true);
}

Result<ReplyFigures> Store::FiguresOf(std::string_view model) {
  const std::lock_guard lock(impl_->mutex);
  KOPT_TRY(Statement row,
           impl_->database->Query("SELECT count(*), avg(answered_at - asked_at), avg(completion_tokens) FROM exchange "
                                  "WHERE model = ? AND completion_tokens IS NOT NULL "
                                  "AND state IN ('answered', 'looked_at')",
                                  model));
  KOPT_CHECK(row.Step());
  return ReplyFigures{
      .replies = row.Int(0), .seconds = row.Real(1).value_or(0), .completion_tokens = row.Real(2).value_or(0)};
}

}  // namespace kopt
