"""What a report is made from: a run as the store knows it, in the shape that reports take."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from dataclasses import asdict

from event_service.reports.model import Note, ReportRequest, SystemSpan
from event_service.runs import Part
from event_service.store import log, runs


def request(db: sqlite3.Connection, run_id: str, *, version: int, timezone: str) -> ReportRequest:
    """The report request of an ended run."""
    run = runs.find(db, run_id)
    return ReportRequest(
        event_id=run["event_id"],
        run_id=run_id,
        version=version,
        start_ns=run["start_ns"],
        end_ns=run["end_ns"],
        timezone=timezone,
        created_ns=run["recorded_ns"],
        systems=tuple(_span(db, part) for part in runs.of_run(db, run_id)),
        notes=tuple(
            Note(row["ts_ns"], row["system_id"], row["event_id"], row["note"]) for row in log.notes_of_run(db, run_id)
        ),
    )


def encoded(asked: ReportRequest) -> dict:
    """The request as JSON types, for another process."""
    return asdict(asked)


def decoded(values: dict) -> ReportRequest:
    return ReportRequest(
        **values
        | {
            "systems": tuple(SystemSpan(**span) for span in values["systems"]),
            "notes": tuple(Note(**note) for note in values["notes"]),
            "images": (),
        }
    )


def digest(asked: ReportRequest) -> str:
    """Identifies what a report was asked to show, whatever its version."""
    values = encoded(asked) | {"version": None}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def folder_name(asked: ReportRequest) -> str:
    """event_{id}_{timestamp}_v{n}: the id made safe for a file name, the run's id as its time."""
    return f"event_{slug(asked.event_id)}_{asked.run_id}_v{asked.version}"


def slug(text: str) -> str:
    """The text with everything but letters, digits, dot, dash and underscore replaced, at most 60 characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:60].strip("-.") or "event"


def _span(db: sqlite3.Connection, part: Part) -> SystemSpan:
    places = runs.locations(db, part.id)
    return SystemSpan(part.system_id, " → ".join(places) or None, part.start_ns, part.end_ns)
