"""Notes: written, listed, taken back."""

from __future__ import annotations

import sqlite3
from functools import partial

from flask import Blueprint, Response, request

from event_service import operations
from event_service.api import fields
from event_service.api.writes import the_system, write
from event_service.errors import Malformed
from event_service.service import Service
from event_service.store import log
from event_service.store.log import Call


def blueprint(service: Service) -> Blueprint:
    notes = Blueprint("notes", __name__, url_prefix="/api")

    @notes.post("/note")
    def write_note() -> Response:
        return write(service, "note", fields.NOTE_WRITE, partial(_write, service))

    @notes.get("/notes")
    def list_notes() -> dict:
        asked = fields.read(fields.NOTES_QUERY, request.args)
        with service.store.read() as db:
            return {"notes": [_shown(row) for row in log.notes(db, **asked)]}

    @notes.post("/audit/delete")
    def delete_note() -> Response:
        return write(service, "note_delete", fields.NOTE_DELETE, _delete)

    return notes


def _write(service: Service, db: sqlite3.Connection, call: Call, values: dict) -> dict:
    system_id = the_system(service, values)
    event_id, ts_ns = operations.note(
        db, call, system_id=system_id, event_id=values["event_id"], msg=values["msg"], ts=values["ts"]
    )
    return {"system_id": system_id, "event_id": event_id, "msg": values["msg"], "ts": ts_ns}


def _delete(db: sqlite3.Connection, call: Call, values: dict) -> dict:
    return {"deleted_count": operations.delete_notes(db, call, _named(db, values))}


def _named(db: sqlite3.Connection, values: dict) -> list[int]:
    if values["note_id"]:
        return [values["note_id"]]
    if not all(values[name] for name in ("system_id", "event_id", "note_text")):
        raise Malformed("say which note: note_id, or system_id, event_id and note_text together")
    return log.notes_like(db, values["system_id"], values["event_id"], values["note_text"])


def _shown(row: sqlite3.Row) -> dict:
    return {
        "id": row["id"],
        "timestamp": row["ts_ns"],
        "system_id": row["system_id"],
        "event_id": row["event_id"],
        "note": row["note"],
    }
