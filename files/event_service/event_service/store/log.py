"""The audit log: every write and its outcome. A note is a row that has one and was not taken back."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

NOTE = "note IS NOT NULL AND success AND deleted_ns IS NULL AND action IN ('start', 'note')"


@dataclass(frozen=True)
class Call:
    """When a write came in, and what the caller's own clock said."""

    now_ns: int
    client_ts_ns: int | None = None
    client_offset_ns: int | None = None


def write(
    db: sqlite3.Connection,
    call: Call,
    action: str,
    *,
    ts_ns: int | None = None,
    system_id: str | None = None,
    event_id: str | None = None,
    run_id: str | None = None,
    location: str | None = None,
    note: str | None = None,
    error: str | None = None,
) -> int:
    """Add a row; returns its id. A row with an error is a write that was refused."""
    return db.execute(
        "INSERT INTO audit_log (ts_ns, recorded_ns, action, system_id, event_id, run_id, location, note, success, "
        "error, client_ts_ns, client_offset_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            call.now_ns if ts_ns is None else ts_ns,
            call.now_ns,
            action,
            system_id,
            event_id,
            run_id,
            location,
            note,
            error is None,
            error,
            call.client_ts_ns,
            call.client_offset_ns,
        ),
    ).lastrowid


def recent(db: sqlite3.Connection, system_id: str | None, limit: int = 20) -> list[sqlite3.Row]:
    """The last rows, newest first."""
    return db.execute(
        "SELECT * FROM audit_log WHERE ?1 IS NULL OR system_id = ?1 ORDER BY id DESC LIMIT ?2", (system_id, limit)
    ).fetchall()


def notes(db: sqlite3.Connection, *, event_id: str | None, system_id: str | None, limit: int) -> list[sqlite3.Row]:
    """Notes, newest first."""
    return db.execute(
        f"SELECT * FROM audit_log WHERE {NOTE} AND (?1 IS NULL OR event_id = ?1) AND (?2 IS NULL OR system_id = ?2) "
        "ORDER BY ts_ns DESC, id DESC LIMIT ?3",
        (event_id, system_id, limit),
    ).fetchall()


def notes_of_run(db: sqlite3.Connection, run_id: str) -> list[sqlite3.Row]:
    """A run's notes in the order of their times."""
    return db.execute(f"SELECT * FROM audit_log WHERE {NOTE} AND run_id = ? ORDER BY ts_ns, id", (run_id,)).fetchall()


def take_back_note(db: sqlite3.Connection, note_id: int, now_ns: int) -> sqlite3.Row | None:
    """Hide a note by its id; returns its row, or None when there is no such note."""
    return db.execute(
        f"UPDATE audit_log SET deleted_ns = ? WHERE id = ? AND {NOTE} RETURNING *", (now_ns, note_id)
    ).fetchone()


def notes_like(db: sqlite3.Connection, system_id: str, event_id: str, note: str) -> list[int]:
    """Ids of the notes with exactly this text."""
    rows = db.execute(
        f"SELECT id FROM audit_log WHERE {NOTE} AND system_id = ? AND event_id = ? AND note = ?",
        (system_id, event_id, note),
    )
    return [row["id"] for row in rows]
