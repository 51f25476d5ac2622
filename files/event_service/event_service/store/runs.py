"""Runs, the parts that systems take in them, and where they stayed; every change queues its markers."""

from __future__ import annotations

import sqlite3

from event_service.markers import MS, Marker, following_ns, opening_ns
from event_service.runs import Begin, Finish, Intent, Move, Part
from event_service.store import outbox

PART = """
    SELECT part.id, part.run_id, run.event_id, part.system_id, part.start_ns, part.end_ns,
           stay.location, stay.start_ns AS location_since_ns
    FROM part JOIN run USING (run_id) JOIN stay ON stay.part_id = part.id
    WHERE stay.id = (SELECT max(id) FROM stay WHERE part_id = part.id)
"""


def active(db: sqlite3.Connection) -> list[Part]:
    """Every part that is active now, oldest first."""
    return _parts(db, "AND part.end_ns IS NULL ORDER BY part.start_ns, part.id")


def past(db: sqlite3.Connection, system_id: str, event_id: str) -> list[Part]:
    """The ended parts of an event on a system, latest first."""
    return _parts(
        db,
        "AND part.end_ns IS NOT NULL AND part.system_id = ? AND run.event_id = ? ORDER BY part.end_ns DESC",
        system_id,
        event_id,
    )


def of_run(db: sqlite3.Connection, run_id: str) -> list[Part]:
    """The parts of a run in the order in which they began."""
    return _parts(db, "AND part.run_id = ? ORDER BY part.start_ns, part.id", run_id)


def find(db: sqlite3.Connection, run_id: str) -> sqlite3.Row | None:
    return db.execute("SELECT * FROM run WHERE run_id = ?", (run_id,)).fetchone()


def of_event(db: sqlite3.Connection, event_id: str) -> list[sqlite3.Row]:
    """The runs of an event, latest first."""
    return db.execute(
        "SELECT * FROM run WHERE event_id = ? ORDER BY start_ns DESC, recorded_ns DESC", (event_id,)
    ).fetchall()


def locations(db: sqlite3.Connection, part_id: int) -> list[str]:
    """The locations of a part in the order in which it was there."""
    rows = db.execute("SELECT location FROM stay WHERE part_id = ? AND location IS NOT NULL ORDER BY id", (part_id,))
    return [row["location"] for row in rows]


def place(db: sqlite3.Connection, system_id: str) -> str | None:
    """The location kept for a system's next event."""
    row = db.execute("SELECT location FROM place WHERE system_id = ?", (system_id,)).fetchone()
    return row and row["location"]


def keep_place(db: sqlite3.Connection, system_id: str, location: str, ts_ns: int) -> None:
    db.execute(
        "INSERT OR REPLACE INTO place (system_id, location, ts_ns) VALUES (?, ?, ?)", (system_id, location, ts_ns)
    )


def forget_place(db: sqlite3.Connection, system_id: str) -> None:
    db.execute("DELETE FROM place WHERE system_id = ?", (system_id,))


def recent_event_ids(db: sqlite3.Connection, limit: int = 12) -> list[str]:
    """Event ids that were used last, without the ones made up for events without a name."""
    rows = db.execute(
        "SELECT event_id FROM run WHERE event_id NOT LIKE 'temp-%' "
        "GROUP BY event_id ORDER BY max(recorded_ns) DESC LIMIT ?",
        (limit,),
    )
    return [row["event_id"] for row in rows]


def recent_locations(db: sqlite3.Connection, limit: int = 12) -> list[str]:
    rows = db.execute(
        "SELECT location FROM stay WHERE location IS NOT NULL GROUP BY location ORDER BY max(recorded_ns) DESC LIMIT ?",
        (limit,),
    )
    return [row["location"] for row in rows]


def known_systems(db: sqlite3.Connection) -> list[str]:
    """Systems that took part in an event or have a place."""
    rows = db.execute("SELECT system_id FROM part UNION SELECT system_id FROM place ORDER BY system_id")
    return [row["system_id"] for row in rows]


def apply(db: sqlite3.Connection, intent: Intent, *, now_ns: int) -> None:
    """Carry out one intent and queue its markers."""
    match intent:
        case Begin():
            _begin(db, intent, now_ns)
        case Finish(part, ts_ns):
            _finish(db, part, ts_ns, now_ns)
        case Move(part, location, ts_ns):
            left_ns = _leave(db, part, ts_ns, now_ns)
            # The old series closes first; the new one opens at the same ns.
            _stay(db, part.id, part, location, ts_ns, left_ns, now_ns)


def _begin(db: sqlite3.Connection, begin: Begin, now_ns: int) -> None:
    db.execute(
        "INSERT INTO run (run_id, event_id, start_ns, recorded_ns) VALUES (?, ?, ?, ?) ON CONFLICT (run_id) "
        "DO UPDATE SET start_ns = min(start_ns, excluded.start_ns), recorded_ns = excluded.recorded_ns",
        (begin.run_id, begin.event_id, begin.ts_ns, now_ns),
    )
    part_id = db.execute(
        "INSERT INTO part (run_id, system_id, start_ns) VALUES (?, ?, ?)", (begin.run_id, begin.system_id, begin.ts_ns)
    ).lastrowid
    _stay(db, part_id, begin, begin.location, begin.ts_ns, begin.ts_ns, now_ns)


def _finish(db: sqlite3.Connection, part: Part, ts_ns: int, now_ns: int) -> None:
    _leave(db, part, ts_ns, now_ns)
    db.execute("UPDATE part SET end_ns = ? WHERE id = ?", (ts_ns, part.id))
    db.execute(
        "UPDATE run SET recorded_ns = :now, end_ns = (SELECT max(end_ns) FROM part WHERE run_id = :run) "
        "WHERE run_id = :run AND NOT EXISTS (SELECT 1 FROM part WHERE run_id = :run AND end_ns IS NULL)",
        {"run": part.run_id, "now": now_ns},
    )


def _stay(
    db: sqlite3.Connection,
    part_id: int,
    who: Begin | Part,
    location: str | None,
    ts_ns: int,
    earliest_ns: int,
    now_ns: int,
) -> None:
    """Open a marker series at `ts`, but not before `earliest`."""
    marker_ns = opening_ns(max(ts_ns, earliest_ns), _taken(db, who.event_id, who.system_id, location))
    db.execute(
        "INSERT INTO stay (part_id, location, start_ns, recorded_ns, first_ms, last_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (part_id, location, ts_ns, now_ns, marker_ns // MS, marker_ns // MS),
    )
    outbox.queue(db, Marker(who.event_id, who.system_id, location, True, marker_ns), now_ns)


def _leave(db: sqlite3.Connection, part: Part, ts_ns: int, now_ns: int) -> int:
    """Close the part's open marker series; returns the ns of its last sample."""
    stay = db.execute("SELECT id, last_ms FROM stay WHERE part_id = ? AND end_ns IS NULL", (part.id,)).fetchone()
    marker_ns = following_ns(ts_ns, stay["last_ms"])
    db.execute("UPDATE stay SET end_ns = ?, last_ms = ? WHERE id = ?", (ts_ns, marker_ns // MS, stay["id"]))
    outbox.queue(db, Marker(part.event_id, part.system_id, part.location, False, marker_ns), now_ns)
    return marker_ns


def _taken(db: sqlite3.Connection, event_id: str, system_id: str, location: str | None) -> list[tuple[int, int]]:
    rows = db.execute(
        "SELECT stay.first_ms, stay.last_ms FROM stay JOIN part ON part.id = stay.part_id JOIN run USING (run_id) "
        "WHERE run.event_id = ? AND part.system_id = ? AND stay.location IS ?",
        (event_id, system_id, location),
    )
    return [(row["first_ms"], row["last_ms"]) for row in rows]


def _parts(db: sqlite3.Connection, condition: str, *values) -> list[Part]:
    return [Part(**dict(row)) for row in db.execute(f"{PART} {condition}", values)]
