"""What is going on: active events, the last writes, and what the systems show now."""

from __future__ import annotations

import sqlite3

from flask import Blueprint, request

from event_service import runs
from event_service.api import fields
from event_service.errors import Malformed
from event_service.live import KINDS, Picture, System
from event_service.markers import MS
from event_service.runs import Part
from event_service.service import Service
from event_service.store import log
from event_service.store import runs as stored


def blueprint(service: Service) -> Blueprint:
    status = Blueprint("status", __name__, url_prefix="/api")

    @status.get("/status")
    def show_status() -> dict:
        system_id = fields.read(fields.STATUS_QUERY, request.args)["system_id"]
        with service.store.read() as db:
            return _of_system(db, system_id) if system_id else _of_all(db)

    @status.get("/systems")
    def list_systems() -> dict:
        with service.store.read() as db:
            known = stored.known_systems(db)
        own = [service.config.system_id] if service.config.system_id else []
        seen = [system.system_id for system in service.live.picture().systems]
        systems = sorted({*known, *own, *seen})
        return {"systems": systems, "updated_at": service.clock(), "count": len(systems)}

    @status.get("/realtime")
    def realtime() -> dict:
        now_ms = service.clock() // MS
        picture = service.live.picture()
        return {"ts": now_ms, "systems": [_shown(system, now_ms) for system in picture.systems], **_look(picture)}

    @status.get("/summary")
    def summary() -> dict:
        system_id = fields.read(fields.STATUS_QUERY, request.args)["system_id"] or service.config.system_id
        if not system_id:
            raise Malformed("system_id is missing; send ?system_id=rig_01, or set SYSTEM_ID for this box")
        return _summary(system_id, service.live.picture(), service.clock() // MS)

    return status


def _of_system(db: sqlite3.Connection, system_id: str) -> dict:
    part = runs.on_system(stored.active(db), system_id)
    return {
        "system_id": system_id,
        "active_event": part and _event(part),
        "place": stored.place(db, system_id),
        "recent_logs": [_log_row(row) for row in log.recent(db, system_id)],
        "images": [],
    }


def _of_all(db: sqlite3.Connection) -> dict:
    active = stored.active(db)
    grouped: dict[str, list[dict]] = {}
    for part in active:
        grouped.setdefault(part.event_id, []).append(_taking_part(part))
    return {
        "active_events": [{"event_id": part.event_id, "run_id": part.run_id, **_taking_part(part)} for part in active],
        "events_grouped": grouped,
        "recent_logs": [_log_row(row) for row in log.recent(db, None)],
        "recent_event_ids": stored.recent_event_ids(db),
        "recent_locations": stored.recent_locations(db),
    }


def _event(part: Part) -> dict:
    return {
        "event_id": part.event_id,
        "run_id": part.run_id,
        "location": part.location,
        "started_at": part.start_ns,
    }


def _taking_part(part: Part) -> dict:
    return {"system_id": part.system_id, "location": part.location, "started_at": part.start_ns}


def _log_row(row: sqlite3.Row) -> dict:
    return {
        "timestamp": row["ts_ns"],
        "system_id": row["system_id"],
        "action": row["action"],
        "event_id": row["event_id"],
        "location": row["location"],
        "note": row["note"] if row["deleted_ns"] is None else None,
        "success": bool(row["success"]),
        "error": row["error"],
    }


def _look(picture: Picture) -> dict:
    return {"looked_at": picture.looked_ns, "problem": picture.problem}


def _shown(system: System, now_ms: int) -> dict:
    readings = system.readings
    return {
        "system_id": system.system_id,
        "type": system.kind,
        **{word: readings[word].value if word in readings else None for word in KINDS[system.kind].values()},
        "ts": system.ts_ms,
        "age_s": max(0, now_ms - system.ts_ms) / 1000,
        "stale": system.stale(now_ms),
        "times": {word: reading.ts_ms for word, reading in readings.items()},
    }


def _summary(system_id: str, picture: Picture, now_ms: int) -> dict:
    system = next((one for one in picture.systems if one.system_id == system_id), None)
    alerts = [picture.problem] if picture.problem else []
    if system is None:
        alerts.append(f"{system_id} has sent nothing in the last 15 minutes")
    elif system.stale(now_ms):
        alerts.append(f"{system_id} has sent nothing for {(now_ms - system.ts_ms) // 1000} s")
    readings = system.readings if system else {}
    values = {word: readings[word].value if word in readings else None for word in ("soc", "pin", "pout")}
    return {"system_id": system_id, **values, "alerts": alerts, "alerts_count": len(alerts)}
