"""Markers on their way to VictoriaMetrics: queued with the change they mark, kept until they are safe there."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from event_service.clock import SECOND
from event_service.markers import MS, Marker

HEARTBEAT_NS = 10 * SECOND
SETTLE_NS = 60 * SECOND
OPEN = "settled_ns IS NULL AND refused IS NULL"


@dataclass(frozen=True)
class Letter:
    """A queued marker and how far it is."""

    id: int
    marker: Marker
    queued_ns: int
    attempts: int
    sent_ns: int | None


@dataclass(frozen=True)
class Totals:
    """What the metrics say about the outbox."""

    pending: int
    unread: int
    unsettled: int
    refused: int
    oldest_queued_ns: int | None


def queue(db: sqlite3.Connection, marker: Marker, now_ns: int) -> None:
    db.execute(
        "INSERT INTO outbox (event_id, system_id, location, active, ts_ns, queued_ns) VALUES (?, ?, ?, ?, ?, ?)",
        (marker.event_id, marker.system_id, marker.location, marker.active, marker.ts_ns, now_ns),
    )


def unsent(db: sqlite3.Connection, limit: int) -> list[Letter]:
    """What VM_WRITE_URL has not accepted yet, in order."""
    return _letters(db, "sent_ns IS NULL", limit)


def unread(db: sqlite3.Connection, limit: int) -> list[Letter]:
    """What was accepted but not read back yet."""
    return _letters(db, "sent_ns IS NOT NULL AND seen_ns IS NULL", limit)


def sent(db: sqlite3.Connection, letter: Letter, now_ns: int) -> None:
    db.execute("UPDATE outbox SET sent_ns = ?, attempts = attempts + 1 WHERE id = ?", (now_ns, letter.id))


def unsend(db: sqlite3.Connection, letter: Letter) -> None:
    """Queue again what was accepted and never appeared."""
    db.execute("UPDATE outbox SET sent_ns = NULL WHERE id = ?", (letter.id,))


def refuse(db: sqlite3.Connection, letter: Letter, why: str) -> None:
    """Put aside what will never be taken: the letters behind it must not wait for it."""
    db.execute("UPDATE outbox SET refused = ?, attempts = attempts + 1 WHERE id = ?", (why, letter.id))


def seen(db: sqlite3.Connection, letters: list[Letter], vm_start: str, now_ns: int) -> None:
    db.executemany(
        "UPDATE outbox SET seen_ns = ?, vm_start = ? WHERE id = ?",
        [(now_ns, vm_start, letter.id) for letter in letters],
    )


def reopen(db: sqlite3.Connection, vm_start: str) -> int:
    """Queue again what was read back from an earlier start of VictoriaMetrics and may not have reached its disk."""
    return db.execute(
        f"UPDATE outbox SET sent_ns = NULL, seen_ns = NULL, vm_start = NULL "
        f"WHERE {OPEN} AND seen_ns IS NOT NULL AND vm_start <> ?",
        (vm_start,),
    ).rowcount


def settle(db: sqlite3.Connection, vm_start: str, now_ns: int) -> int:
    """Close what this start of VictoriaMetrics has had for long enough to have written it to disk."""
    return db.execute(
        f"UPDATE outbox SET settled_ns = ? WHERE {OPEN} AND vm_start = ? AND seen_ns <= ?",
        (now_ns, vm_start, now_ns - SETTLE_NS),
    ).rowcount


def beat(db: sqlite3.Connection, now_ns: int) -> list[Marker]:
    """The heartbeats that are due; their times are taken, so a later end is later in VictoriaMetrics too."""
    now_ms = now_ns // MS
    due = db.execute(
        "SELECT stay.id, run.event_id, part.system_id, stay.location "
        "FROM stay JOIN part ON part.id = stay.part_id JOIN run USING (run_id) "
        "WHERE stay.end_ns IS NULL AND max(stay.last_ms, stay.recorded_ns / 1000000) + ? <= ? ORDER BY stay.id",
        (HEARTBEAT_NS // MS, now_ms),
    ).fetchall()
    db.executemany("UPDATE stay SET last_ms = ? WHERE id = ?", [(now_ms, row["id"]) for row in due])
    return [Marker(row["event_id"], row["system_id"], row["location"], True, now_ms * MS) for row in due]


def totals(db: sqlite3.Connection) -> Totals:
    row = db.execute(
        f"SELECT coalesce(sum(sent_ns IS NULL), 0) AS pending, "
        f"coalesce(sum(sent_ns IS NOT NULL AND seen_ns IS NULL), 0) AS unread, "
        f"coalesce(sum(seen_ns IS NOT NULL), 0) AS unsettled, "
        f"min(CASE WHEN seen_ns IS NULL THEN queued_ns END) AS oldest_queued_ns FROM outbox WHERE {OPEN}"
    ).fetchone()
    refused = db.execute("SELECT count(*) FROM outbox WHERE refused IS NOT NULL").fetchone()[0]
    return Totals(refused=refused, **dict(row))


def _letters(db: sqlite3.Connection, condition: str, limit: int) -> list[Letter]:
    rows = db.execute(f"SELECT * FROM outbox WHERE {OPEN} AND {condition} ORDER BY id LIMIT ?", (limit,))
    return [
        Letter(
            row["id"],
            Marker(row["event_id"], row["system_id"], row["location"], bool(row["active"]), row["ts_ns"]),
            row["queued_ns"],
            row["attempts"],
            row["sent_ns"],
        )
        for row in rows
    ]
