"""Reports: made on request, listed, shown."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from flask import Blueprint, Response, jsonify, request

from event_service.api import fields, problems
from event_service.api.events import report_url
from event_service.api.report_choice import Chosen, choose, pick
from event_service.api.report_pages import show_missing, show_report, show_state
from event_service.api.writes import json_body
from event_service.errors import Conflict, NotFound
from event_service.service import Service
from event_service.store import reports
from event_service.store import runs as stored
from event_service.store.reports import Job, Version

GENERATE_S = 60.0
# Of the server's threads, at most this many may wait for a report; more callers are told to come back.
WAITING_MAX = 3


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("reports", __name__, url_prefix="/api/reports")
    places = threading.BoundedSemaphore(WAITING_MAX)

    @pages.post("/generate")
    def generate() -> Response | tuple[Response, int]:
        asked = fields.read(fields.GENERATE, json_body())
        run_id, job_id = _ask(service, asked["event_id"], asked["run"])
        service.jobs.wake()
        return _generated(service, asked["event_id"], run_id, _wait(service, job_id, places))

    @pages.get("")
    def list_reports() -> dict:
        asked = fields.read(fields.REPORTS_QUERY, request.args)
        with service.store.read() as db:
            made = reports.newest(db, asked["event_id"], asked["limit"])
            pending = [row for row in reports.unfinished(db) if asked["event_id"] in (None, row["event_id"])]
        return {
            "reports": [_listed(service, row) for row in made],
            "pending": [_pending(service, row) for row in pending],
        }

    @pages.get("/<id:event_id>")
    def data(event_id: str) -> Response | tuple[Response, int]:
        found = choose(service, event_id, request.args)
        if found.version:
            response = Response(_content(service, found.version, "data.json"), mimetype="application/json")
            response.headers["Cache-Control"] = "no-cache"
            response.add_etag()
            return response.make_conditional(request)
        if found.state in ("failed", "missing"):
            raise NotFound(f"there is no report of {event_id!r}: {found.problem or 'none was asked for'}")
        return jsonify(_progress(service, found)), 202

    @pages.get("/<id:event_id>/html")
    def html(event_id: str) -> Response | tuple[str, int]:
        try:
            found = choose(service, event_id, request.args)
        except NotFound as error:
            return show_missing(str(error))
        if found.version is None:
            return show_state(found)
        return show_report(_content(service, found.version, "report.html"), found, service.config.timezone)

    return pages


def _ask(service: Service, event_id: str, run_id: str | None) -> tuple[str, int]:
    with service.store.write() as db:
        run = pick(stored.of_event(db, event_id), event_id, run_id)
        if run["end_ns"] is None:
            raise Conflict(f"{event_id!r} is still active; end it, its report is then made by itself")
        return run["run_id"], reports.ask(db, run["run_id"], service.clock())


def _wait(service: Service, job_id: int, places: threading.BoundedSemaphore) -> Job:
    if not places.acquire(blocking=False):
        return service.jobs.wait(job_id, 0)
    try:
        return service.jobs.wait(job_id, GENERATE_S)
    finally:
        places.release()


def _generated(service: Service, event_id: str, run_id: str, job: Job) -> Response | tuple[Response, int]:
    with service.store.read() as db:
        version = reports.latest(db, run_id)
    if job.error:
        return problems.respond(503, f"The report could not be made: {job.error}")
    if job.state != "done" or version is None:
        url = report_url(service, event_id, run_id)
        return jsonify(
            {"success": True, "event_id": event_id, "run_id": run_id, "report_url": url, "state": job.state}
        ), 202
    folder = _folder(service, version)
    return jsonify(
        {
            "success": True,
            "event_id": event_id,
            "report_path": str(folder),
            "json_file": str(folder / "data.json"),
            "html_file": str(folder / "report.html"),
            "loggers_processed": _systems(version.summary),
            "run_id": run_id,
            "version": version.version,
            "state": version.state,
            "report_url": report_url(service, event_id, run_id),
        }
    )


def _listed(service: Service, row: sqlite3.Row) -> dict:
    version = reports.as_version(row)
    return {
        "event_id": row["event_id"],
        "generated_at": version.made_ns,
        "duration_seconds": (row["end_ns"] - row["start_ns"]) / 1e9,
        "loggers": _systems(version.summary),
        "report_dir": str(_folder(service, version)),
        "run_id": version.run_id,
        "version": version.version,
        "state": version.state,
        "started_at": row["start_ns"],
        "ended_at": row["end_ns"],
        "report_url": report_url(service, row["event_id"], version.run_id),
        "summary": version.summary,
    }


def _pending(service: Service, row: sqlite3.Row) -> dict:
    return {
        "event_id": row["event_id"],
        "run_id": row["run_id"],
        "ended_at": row["end_ns"],
        "state": row["state"],
        "error": row["error"],
        "report_url": report_url(service, row["event_id"], row["run_id"]),
    }


def _progress(service: Service, found: Chosen) -> dict:
    event_id, run_id = found.run["event_id"], found.run["run_id"]
    return {
        "event_id": event_id,
        "run_id": run_id,
        "state": found.state,
        "problem": found.problem,
        "report_url": report_url(service, event_id, run_id),
    }


def _systems(summary: dict) -> list[str]:
    """The systems of a report; one that left an event and came back stands in it twice."""
    return list(dict.fromkeys(system["system_id"] for system in summary.get("systems", [])))


def _folder(service: Service, version: Version) -> Path:
    return service.config.reports_path / version.folder


def _content(service: Service, version: Version, name: str) -> bytes:
    try:
        return (_folder(service, version) / name).read_bytes()
    except OSError as error:
        raise NotFound(
            f"the file of this report is gone ({error}); POST /api/reports/generate makes a new one"
        ) from None
