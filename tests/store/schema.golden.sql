PRAGMA user_version = 3;
PRAGMA application_id = 1802465396;
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
