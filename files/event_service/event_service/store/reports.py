"""Versions of reports, and the jobs that make them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """A finished version of a run's report; `folder` lies below REPORTS_PATH."""

    run_id: str
    version: int
    state: str
    request: str
    digest: str
    folder: str
    summary: dict
    made_ns: int


@dataclass(frozen=True)
class Job:
    """A report to be made, and why."""

    id: int
    run_id: str
    reason: str
    state: str
    due_ns: int
    queued_ns: int
    attempts: int
    error: str | None


def versions(db: sqlite3.Connection, run_id: str) -> list[Version]:
    """The versions of a run's report, newest first."""
    rows = db.execute("SELECT * FROM report WHERE run_id = ? ORDER BY version DESC", (run_id,))
    return [as_version(row) for row in rows]


def latest(db: sqlite3.Connection, run_id: str) -> Version | None:
    return next(iter(versions(db, run_id)), None)


def newest(db: sqlite3.Connection, event_id: str | None, limit: int) -> list[sqlite3.Row]:
    """The latest version of each run's report with its run, newest run first."""
    return db.execute(
        "SELECT report.*, run.event_id, run.start_ns, run.end_ns FROM report JOIN run USING (run_id) "
        "WHERE version = (SELECT max(version) FROM report AS other WHERE other.run_id = report.run_id) "
        "AND (?1 IS NULL OR event_id = ?1) ORDER BY run.end_ns DESC, run_id DESC LIMIT ?2",
        (event_id, limit),
    ).fetchall()


def as_version(row: sqlite3.Row) -> Version:
    values = {name: row[name] for name in Version.__dataclass_fields__}
    return Version(**values | {"summary": json.loads(row["summary"])})


def publish(db: sqlite3.Connection, version: Version) -> None:
    db.execute(
        "INSERT INTO report (run_id, version, state, request, digest, folder, summary, made_ns) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            version.run_id,
            version.version,
            version.state,
            version.request,
            version.digest,
            version.folder,
            json.dumps(version.summary, ensure_ascii=False),
            version.made_ns,
        ),
    )


def enqueue(db: sqlite3.Connection, run_id: str, reason: str, *, due_ns: int, now_ns: int) -> int:
    """Queue a report; returns the job's id."""
    return db.execute(
        "INSERT INTO job (run_id, reason, state, due_ns, queued_ns) VALUES (?, ?, 'queued', ?, ?)",
        (run_id, reason, due_ns, now_ns),
    ).lastrowid


def ask(db: sqlite3.Connection, run_id: str, now_ns: int) -> int:
    """Queue a report that somebody waits for, or hurry the one that is under way; returns the job's id."""
    last = last_job(db, run_id)
    if last is None or last.state not in ("queued", "running") or last.reason not in ("end", "asked"):
        return enqueue(db, run_id, "asked", due_ns=now_ns, now_ns=now_ns)
    db.execute("UPDATE job SET due_ns = ?, error = NULL WHERE id = ?", (now_ns, last.id))
    return last.id


def claim(db: sqlite3.Connection, now_ns: int) -> Job | None:
    """Take the job that has been due longest, if one is, but no two of one run at a time.

    One that was queued in the future is due: the clock went back.
    """
    row = db.execute(
        "UPDATE job SET state = 'running', attempts = attempts + 1 WHERE id = (SELECT id FROM job "
        "WHERE state = 'queued' AND (due_ns <= ?1 OR queued_ns > ?1) "
        "AND run_id NOT IN (SELECT run_id FROM job WHERE state = 'running') ORDER BY due_ns, id LIMIT 1) RETURNING *",
        (now_ns,),
    ).fetchone()
    return row and _job(row)


def next_due_ns(db: sqlite3.Connection) -> int | None:
    return db.execute("SELECT min(due_ns) FROM job WHERE state = 'queued'").fetchone()[0]


def put_back(db: sqlite3.Connection, job: Job, *, due_ns: int, error: str | None) -> None:
    db.execute("UPDATE job SET state = 'queued', due_ns = ?, error = ? WHERE id = ?", (due_ns, error, job.id))


def close(db: sqlite3.Connection, job: Job, *, now_ns: int, error: str | None = None) -> None:
    """A job is done, or failed for good when there is an error."""
    state = "failed" if error else "done"
    db.execute("UPDATE job SET state = ?, finished_ns = ?, error = ? WHERE id = ?", (state, now_ns, error, job.id))


def recover(db: sqlite3.Connection) -> int:
    """Queue again what was running when the service ended."""
    return db.execute("UPDATE job SET state = 'queued' WHERE state = 'running'").rowcount


def job(db: sqlite3.Connection, job_id: int) -> Job:
    return _job(db.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone())


def last_job(db: sqlite3.Connection, run_id: str) -> Job | None:
    row = db.execute("SELECT * FROM job WHERE run_id = ? ORDER BY id DESC LIMIT 1", (run_id,)).fetchone()
    return row and _job(row)


def unfinished(db: sqlite3.Connection) -> list[sqlite3.Row]:
    """Runs that have ended and have no report yet, with the state of their last job, newest first."""
    return db.execute(
        "SELECT run.run_id, run.event_id, run.end_ns, job.state, job.error FROM run JOIN job USING (run_id) "
        "WHERE job.id = (SELECT max(id) FROM job AS other WHERE other.run_id = run.run_id) "
        "AND NOT EXISTS (SELECT 1 FROM report WHERE report.run_id = run.run_id) ORDER BY run.end_ns DESC LIMIT 50"
    ).fetchall()


def job_counts(db: sqlite3.Connection) -> dict[str, int]:
    counts = dict.fromkeys(("queued", "running", "done", "failed"), 0)
    return counts | {row[0]: row[1] for row in db.execute("SELECT state, count(*) FROM job GROUP BY state")}


def _job(row: sqlite3.Row) -> Job:
    return Job(**{name: row[name] for name in Job.__dataclass_fields__})
