-- Times are ns since the epoch. An absent location is NULL here and '-' in VictoriaMetrics.

CREATE TABLE run (
  run_id      TEXT PRIMARY KEY,
  event_id    TEXT NOT NULL,
  start_ns    INTEGER NOT NULL,
  end_ns      INTEGER,              -- NULL while a part is active
  recorded_ns INTEGER NOT NULL      -- when the last change was made, by the box's clock
) STRICT, WITHOUT ROWID;
CREATE INDEX run_event ON run (event_id, start_ns);

CREATE TABLE part (                 -- one system's part of a run
  id        INTEGER PRIMARY KEY,
  run_id    TEXT NOT NULL REFERENCES run,
  system_id TEXT NOT NULL,
  start_ns  INTEGER NOT NULL,
  end_ns    INTEGER
) STRICT;
CREATE UNIQUE INDEX part_active ON part (system_id) WHERE end_ns IS NULL;
CREATE INDEX part_run ON part (run_id);
CREATE INDEX part_system ON part (system_id, start_ns);

CREATE TABLE stay (                 -- a part's time at one location: one marker series
  id          INTEGER PRIMARY KEY,
  part_id     INTEGER NOT NULL REFERENCES part,
  location    TEXT,
  start_ns    INTEGER NOT NULL,
  end_ns      INTEGER,
  recorded_ns INTEGER NOT NULL,
  first_ms    INTEGER NOT NULL,     -- first and last sample of its marker series in VictoriaMetrics
  last_ms     INTEGER NOT NULL
) STRICT;
CREATE INDEX stay_part ON stay (part_id);
CREATE INDEX stay_open ON stay (id) WHERE end_ns IS NULL;

CREATE TABLE place (                -- where a system is, for the next event that names no location
  system_id TEXT PRIMARY KEY,
  location  TEXT NOT NULL,
  ts_ns     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (            -- every write and its outcome; notes are the rows that have one
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  ts_ns            INTEGER NOT NULL,
  recorded_ns      INTEGER NOT NULL,
  action           TEXT NOT NULL,
  system_id        TEXT,
  event_id         TEXT,
  run_id           TEXT REFERENCES run,
  location         TEXT,
  note             TEXT,
  success          INTEGER NOT NULL,
  error            TEXT,
  client_ts_ns     INTEGER,         -- the phone's clock, and how far the phone thinks it is behind ours
  client_offset_ns INTEGER,
  deleted_ns       INTEGER          -- when its note was taken back
) STRICT;
CREATE INDEX audit_log_note ON audit_log (ts_ns) WHERE note IS NOT NULL;
CREATE INDEX audit_log_run ON audit_log (run_id) WHERE note IS NOT NULL;
CREATE INDEX audit_log_system ON audit_log (system_id, id);

CREATE TABLE outbox (               -- markers on their way to VictoriaMetrics, in the order of id
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id   TEXT NOT NULL,
  system_id  TEXT NOT NULL,
  location   TEXT,
  active     INTEGER NOT NULL,
  ts_ns      INTEGER NOT NULL,
  queued_ns  INTEGER NOT NULL,
  attempts   INTEGER NOT NULL DEFAULT 0,
  sent_ns    INTEGER,               -- accepted by VM_WRITE_URL
  seen_ns    INTEGER,               -- read back from VictoriaMetrics, which had started at vm_start
  vm_start   TEXT,
  settled_ns INTEGER,               -- and 60 s later that start was still the last: it is on disk there
  refused    TEXT                   -- why VictoriaMetrics will never take it
) STRICT;
CREATE INDEX outbox_open ON outbox (id) WHERE settled_ns IS NULL AND refused IS NULL;

CREATE TABLE idempotency (          -- the first answer to each Idempotency-Key
  key         TEXT PRIMARY KEY,
  fingerprint BLOB NOT NULL,
  status      INTEGER NOT NULL,
  body        TEXT NOT NULL,
  created_ns  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_ns);

CREATE TABLE report (               -- versions of a run's report, never changed once they stand here
  run_id   TEXT NOT NULL REFERENCES run,
  version  INTEGER NOT NULL,
  state    TEXT NOT NULL CHECK (state IN ('provisional', 'final')),
  request  TEXT NOT NULL,           -- digest of what was asked, and of the samples that answered
  digest   TEXT NOT NULL,
  folder   TEXT NOT NULL,           -- below REPORTS_PATH
  summary  TEXT NOT NULL,
  made_ns  INTEGER NOT NULL,
  PRIMARY KEY (run_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_made ON report (made_ns);

CREATE TABLE job (                  -- reports to be made
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id      TEXT NOT NULL REFERENCES run,
  reason      TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
  due_ns      INTEGER NOT NULL,
  queued_ns   INTEGER NOT NULL,
  finished_ns INTEGER,
  attempts    INTEGER NOT NULL DEFAULT 0,
  error       TEXT
) STRICT;
CREATE INDEX job_run ON job (run_id, id);
CREATE INDEX job_open ON job (due_ns) WHERE state IN ('queued', 'running');

CREATE TABLE heartbeat (            -- written by the health check to prove that the disk takes writes
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  beats INTEGER NOT NULL
) STRICT;
