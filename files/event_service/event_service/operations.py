"""What an operator can do. Each function is the work of one transaction: load, decide, carry out, log."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from event_service import runs
from event_service.clock import moment
from event_service.errors import Malformed, NotFound
from event_service.runs import Finish, Part
from event_service.store import log, reports
from event_service.store import runs as stored
from event_service.store.log import Call

GENERAL = "general"


@dataclass(frozen=True)
class Ended:
    """What an end did: the parts that ended, and whether their run is over and its report queued."""

    parts: list[Part]
    ts_ns: int
    run_id: str
    run_over: bool


def start(
    db: sqlite3.Connection,
    call: Call,
    *,
    system_id: str,
    event_id: str,
    location: str | None,
    note: str | None,
    ts: int | None,
    replace: bool,
    token: str,
) -> Part:
    """Start an event on a system, or answer with the part that already runs there."""
    ts_ns = moment(ts, now_ns=call.now_ns)
    intents = runs.start(
        system_id,
        event_id,
        location or stored.place(db, system_id),
        ts_ns,
        replace=replace,
        active=stored.active(db),
        past=stored.past(db, system_id, event_id),
        new_id=runs.new_run_id(ts_ns, token),
    )
    _carry_out(db, call, intents)
    part = runs.on_system(stored.active(db), system_id)
    if intents:
        _log_part(db, call, "start", part, part.start_ns, note=note)
    return part


def end(db: sqlite3.Connection, call: Call, *, system_id: str, event_id: str | None, ts: int | None) -> Ended:
    """End the event on a system. The same end again is answered as the first time."""
    decided = runs.end(
        system_id,
        event_id,
        moment(ts, now_ns=call.now_ns),
        given=ts is not None,
        active=stored.active(db),
        past=stored.past(db, system_id, event_id) if event_id else [],
    )
    if isinstance(decided, Part):
        return _ended(db, [decided], decided.end_ns)
    _carry_out(db, call, [decided])
    return _ended(db, [decided.part], decided.ts_ns)


def end_all(db: sqlite3.Connection, call: Call, *, event_id: str, ts: int | None) -> Ended:
    """End an event on every system on which it is active."""
    finishes = runs.end_all(event_id, moment(ts, now_ns=call.now_ns), given=ts is not None, active=stored.active(db))
    _carry_out(db, call, finishes)
    return _ended(db, [finish.part for finish in finishes], max(finish.ts_ns for finish in finishes))


def set_location(db: sqlite3.Connection, call: Call, *, system_id: str, location: str, ts: int | None) -> int:
    """Set where a system is, in its event if one is active, and for its next one. Returns the time that counts."""
    ts_ns = moment(ts, now_ns=call.now_ns)
    move = runs.move(system_id, location, ts_ns, given=ts is not None, active=stored.active(db))
    if move:
        ts_ns = move.ts_ns
        stored.apply(db, move, now_ns=call.now_ns)
    stored.keep_place(db, system_id, location, ts_ns)
    part = move.part if move else None
    log.write(
        db, call, "location_set", ts_ns=ts_ns, system_id=system_id, location=location,
        event_id=part and part.event_id, run_id=part and part.run_id,
    )  # fmt: skip
    return ts_ns


def clear_location(db: sqlite3.Connection, call: Call, *, system_id: str) -> Ended | None:
    """Forget where a system is and end its part of an event; None when only a kept place was forgotten."""
    part = runs.on_system(stored.active(db), system_id)
    if part is None and stored.place(db, system_id) is None:
        raise Malformed(f"no event is active on {system_id}, and no location is kept for it")
    stored.forget_place(db, system_id)
    log.write(db, call, "location_clear", system_id=system_id, event_id=part and part.event_id)
    return end(db, call, system_id=system_id, event_id=None, ts=None) if part else None


def note(
    db: sqlite3.Connection, call: Call, *, system_id: str, event_id: str | None, msg: str, ts: int | None
) -> tuple[str, int]:
    """Write a note; returns the event it belongs to and its time."""
    ts_ns = moment(ts, now_ns=call.now_ns)
    part = runs.on_system(stored.active(db), system_id)
    event_id = event_id or (part.event_id if part else GENERAL)
    run_id = _run_at(db, event_id, ts_ns) or (part.run_id if part and part.event_id == event_id else None)
    log.write(db, call, "note", ts_ns=ts_ns, system_id=system_id, event_id=event_id, run_id=run_id, note=msg)
    return event_id, ts_ns


def delete_notes(db: sqlite3.Connection, call: Call, note_ids: list[int]) -> int:
    """Take notes back; they stay in the log. Returns how many."""
    taken = [row for row in (log.take_back_note(db, note_id, call.now_ns) for note_id in note_ids) if row]
    if not taken:
        raise NotFound("no such note; GET /api/notes lists them")
    for row in taken:
        log.write(
            db, call, "note_delete", system_id=row["system_id"], event_id=row["event_id"],
            run_id=row["run_id"], note=row["note"],
        )  # fmt: skip
    return len(taken)


def _carry_out(db: sqlite3.Connection, call: Call, intents: list[runs.Intent]) -> None:
    for intent in intents:
        stored.apply(db, intent, now_ns=call.now_ns)
    for finish in [intent for intent in intents if isinstance(intent, Finish)]:
        _log_part(db, call, "end", finish.part, finish.ts_ns)
    for run_id in {intent.part.run_id for intent in intents if isinstance(intent, Finish)}:
        if _is_over(db, run_id):
            reports.enqueue(db, run_id, "end", due_ns=call.now_ns, now_ns=call.now_ns)


def _ended(db: sqlite3.Connection, parts: list[Part], ts_ns: int) -> Ended:
    return Ended(parts, ts_ns, parts[0].run_id, _is_over(db, parts[0].run_id))


def _is_over(db: sqlite3.Connection, run_id: str) -> bool:
    return stored.find(db, run_id)["end_ns"] is not None


def _run_at(db: sqlite3.Connection, event_id: str, ts_ns: int) -> str | None:
    """The run of an event that a note at this time belongs to: the last one that had begun by then."""
    return next((run["run_id"] for run in stored.of_event(db, event_id) if run["start_ns"] <= ts_ns), None)


def _log_part(db: sqlite3.Connection, call: Call, action: str, part: Part, ts_ns: int, note: str | None = None) -> None:
    log.write(
        db, call, action, ts_ns=ts_ns, system_id=part.system_id, event_id=part.event_id, run_id=part.run_id,
        location=part.location, note=note,
    )  # fmt: skip
