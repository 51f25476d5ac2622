"""Start and end events, and say where systems are."""

from __future__ import annotations

import sqlite3
from functools import partial
from urllib.parse import quote

from flask import Blueprint, Response, request

from event_service import operations
from event_service.api import fields
from event_service.api.writes import the_system, write
from event_service.clock import SECOND
from event_service.operations import Ended
from event_service.service import Service
from event_service.store.log import Call


def blueprint(service: Service) -> Blueprint:
    events = Blueprint("events", __name__, url_prefix="/api")

    @events.post("/event/start")
    def start() -> Response:
        return write(service, "start", fields.START, partial(_start, service))

    @events.post("/event/end")
    def end() -> Response:
        return write(service, "end", fields.END, partial(_end, service))

    @events.post("/event/end_all")
    def end_all() -> Response:
        return write(service, "end_all", fields.END_ALL, partial(_end_all, service))

    @events.post("/location/set")
    def location_set() -> Response:
        return write(service, "location_set", fields.LOCATION_SET, partial(_location_set, service))

    @events.post("/location/clear")
    def location_clear() -> Response:
        return write(service, "location_clear", fields.LOCATION_CLEAR, partial(_location_clear, service))

    return events


def report_url(service: Service, event_id: str, run_id: str) -> str:
    """Where the report of a run is, or will be."""
    base = service.config.report_base_url or request.host_url.rstrip("/")
    return f"{base}/api/reports/{quote(event_id, safe='')}/html?run={quote(run_id)}"


def _start(service: Service, db: sqlite3.Connection, call: Call, values: dict) -> dict:
    temporary = None if values["event_id"] else f"temp-{service.config.node_id}-{call.now_ns // SECOND}"
    part = operations.start(
        db,
        call,
        system_id=the_system(service, values),
        event_id=values["event_id"] or temporary,
        location=values["location"],
        note=values["note"],
        ts=values["ts"],
        replace=values["replace"],
        token=service.token(),
    )
    return {
        "system_id": part.system_id,
        "event_id": part.event_id,
        "temp_event_id": temporary,
        "location": part.location,
        "ts": part.start_ns,
        "run_id": part.run_id,
    }


def _end(service: Service, db: sqlite3.Connection, call: Call, values: dict) -> dict:
    system_id = the_system(service, values)
    ended = operations.end(db, call, system_id=system_id, event_id=values["event_id"], ts=values["ts"])
    event_id = ended.parts[0].event_id
    return {"system_id": system_id, "event_id": event_id, "ts": ended.ts_ns, **_report(service, event_id, ended)}


def _end_all(service: Service, db: sqlite3.Connection, call: Call, values: dict) -> dict:
    ended = operations.end_all(db, call, event_id=values["event_id"], ts=values["ts"])
    return {
        "event_id": values["event_id"],
        "loggers_ended": [part.system_id for part in ended.parts],
        "ts": ended.ts_ns,
        "report_generating": ended.run_over,
        **_report(service, values["event_id"], ended),
    }


def _location_set(service: Service, db: sqlite3.Connection, call: Call, values: dict) -> dict:
    system_id = the_system(service, values)
    ts_ns = operations.set_location(db, call, system_id=system_id, location=values["location"], ts=values["ts"])
    return {"system_id": system_id, "location": values["location"], "ts": ts_ns}


def _location_clear(service: Service, db: sqlite3.Connection, call: Call, values: dict) -> dict:
    system_id = the_system(service, values)
    ended = operations.clear_location(db, call, system_id=system_id)
    if ended is None:
        return {"system_id": system_id}
    event_id = ended.parts[0].event_id
    return {"system_id": system_id, "event_id": event_id, "ts": ended.ts_ns, **_report(service, event_id, ended)}


def _report(service: Service, event_id: str, ended: Ended) -> dict:
    return {
        "run_id": ended.run_id,
        "report_url": report_url(service, event_id, ended.run_id),
        "report_state": "queued" if ended.run_over else "waiting",
    }
