#include "store/migrations.h"

#include <string>

namespace kopt {
namespace {

// "kopt" in ASCII: what tells kopt's files from other programs' databases.
constexpr int64_t kApplication = 0x6b6f7074;

constexpr const char* kFirst = R"sql(
CREATE TABLE task (
  spec_hash TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  created TEXT NOT NULL
) STRICT;

CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  spec_hash TEXT NOT NULL REFERENCES task (spec_hash),
  task TEXT NOT NULL,
  target TEXT NOT NULL,
  device TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'waiting', 'done')),
  outcome TEXT NOT NULL CHECK (outcome IN ('', 'improved', 'no_improvement', 'no_correct_candidate')),
  started TEXT NOT NULL,
  ended TEXT NOT NULL,
  budget_seconds REAL,
  active_seconds REAL,
  settings TEXT NOT NULL,
  result TEXT NOT NULL
) STRICT;

CREATE TABLE candidate (
  id INTEGER PRIMARY KEY,
  source_hash TEXT NOT NULL UNIQUE,
  normalised_hash TEXT NOT NULL,
  source TEXT NOT NULL,
  created TEXT NOT NULL
) STRICT;
CREATE INDEX candidate_by_normalised ON candidate (normalised_hash);

CREATE TABLE turn (
  run INTEGER NOT NULL REFERENCES run (id),
  turn INTEGER NOT NULL,
  candidate INTEGER NOT NULL REFERENCES candidate (id),
  created TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (run, turn)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdict (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  configuration TEXT NOT NULL,
  confirmation INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  stage TEXT NOT NULL,
  reason TEXT NOT NULL,
  remark TEXT NOT NULL,
  time_us REAL,
  baseline_us REAL,
  speedup REAL,
  speedup_low REAL,
  speedup_high REAL,
  sol_fraction REAL,
  coverage REAL,
  confirmed INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  stage_seconds TEXT NOT NULL,
  created TEXT NOT NULL,
  at_seconds REAL,
  FOREIGN KEY (run, turn) REFERENCES turn (run, turn)
) STRICT;
CREATE INDEX verdict_by_turn ON verdict (run, turn);

CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  verdict INTEGER NOT NULL REFERENCES verdict (id),
  shape INTEGER NOT NULL,
  process INTEGER NOT NULL,
  calls_a INTEGER NOT NULL,
  calls_b INTEGER NOT NULL,
  empty_a REAL,
  empty_b REAL
) STRICT;
CREATE INDEX series_by_verdict ON series (verdict);

CREATE TABLE sample (
  series INTEGER NOT NULL REFERENCES series (id),
  quad INTEGER NOT NULL,
  a1 REAL,
  b1 REAL,
  b2 REAL,
  a2 REAL,
  PRIMARY KEY (series, quad)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run (id),
  kind TEXT NOT NULL,
  detail TEXT NOT NULL,
  created TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_run ON event (run);

CREATE TABLE fact (
  space TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  created TEXT NOT NULL,
  PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;
)sql";

// What a copy of the state needs to repeat a run elsewhere; and nothing is judged twice.
constexpr const char* kSecond = R"sql(
CREATE TABLE file (
  hash TEXT NOT NULL PRIMARY KEY,
  content BLOB NOT NULL
) STRICT;

CREATE TABLE task_file (
  spec_hash TEXT NOT NULL REFERENCES task (spec_hash),
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (spec_hash, name)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX verdict_once ON verdict (run, turn, configuration, confirmation);
DROP INDEX verdict_by_turn;
)sql";

// What a model was asked, and what it answered. An answer is here before anybody has looked at it.
constexpr const char* kThird = R"sql(
CREATE TABLE exchange (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run (id),
  turn INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'answered', 'looked_at', 'failed', 'cancelled')),
  model TEXT NOT NULL,
  prompt TEXT NOT NULL,
  shown TEXT NOT NULL,
  asked TEXT NOT NULL,
  answered TEXT NOT NULL,
  asked_at REAL,
  answered_at REAL,
  reply TEXT NOT NULL,
  detail TEXT NOT NULL,
  prompt_tokens INTEGER,
  completion_tokens INTEGER,
  usd REAL,
  UNIQUE (run, turn)
) STRICT;
CREATE INDEX exchange_by_state ON exchange (run, state);
)sql";

constexpr const char* kMigrations[] = {kFirst, kSecond, kThird};

// A file with tables must carry kopt's mark. Tables first: another process may be making them just now.
Result<void> CheckOwner(sqlite::Database& database) {
  KOPT_TRY(const int64_t tables, database.Number("SELECT count(*) FROM sqlite_master"));
  KOPT_TRY(const int64_t application, database.Number("PRAGMA application_id"));
  if (application == kApplication || (application == 0 && tables == 0)) return {};
  return std::unexpected(Error{.exit = Exit::kEnvironment,
                               .message = "the database belongs to another program",
                               .file = database.file(),
                               .hint = "name another folder with --state"});
}

Result<int64_t> Version(sqlite::Database& database) {
  KOPT_TRY(const int64_t version, database.Number("PRAGMA user_version"));
  const auto latest = static_cast<int64_t>(Migrations().size());
  if (version >= 0 && version <= latest) return version;
  return std::unexpected(Error{
      .exit = Exit::kEnvironment,
      .message = fmt::format("the state was written by a later kopt (version {}, this kopt knows {})", version, latest),
      .file = database.file(),
      .hint = "use that kopt, or name another folder with --state"});
}

}  // namespace

std::span<const char* const> Migrations() { return kMigrations; }

Result<void> Migrate(sqlite::Database& database) {
  KOPT_CHECK(CheckOwner(database));
  KOPT_TRY(const int64_t before, Version(database));
  // The journal's kind cannot change inside a transaction; a later kopt's file was refused above.
  KOPT_CHECK(database.UseWriteAheadLog());
  if (before == static_cast<int64_t>(Migrations().size())) return {};
  KOPT_TRY(sqlite::Transaction transaction, sqlite::Transaction::Begin(database));
  KOPT_TRY(const int64_t version, Version(database));  // another process may have been first
  for (const char* migration : Migrations().subspan(static_cast<size_t>(version))) {
    KOPT_CHECK(database.Script(migration));
  }
  KOPT_CHECK(database.Run(fmt::format("PRAGMA application_id = {}", kApplication)));
  KOPT_CHECK(database.Run(fmt::format("PRAGMA user_version = {}", Migrations().size())));
  return transaction.Commit();
}

}  // namespace kopt
