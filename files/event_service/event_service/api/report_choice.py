"""Which report an address means: a run of an event, and a version of its report."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from event_service import ids
from event_service.api import fields
from event_service.errors import NotFound
from event_service.service import Service
from event_service.store import reports
from event_service.store import runs as stored
from event_service.store.reports import Job, Version


@dataclass(frozen=True)
class Chosen:
    """What an address names: a run, one of its versions if there is one, and what else there is beside it."""

    run: sqlite3.Row
    version: Version | None
    versions: list[Version]
    job: Job | None
    runs: list[sqlite3.Row]

    @property
    def state(self) -> str:
        """waiting (the event is active), queued, running, failed, or the state of the report."""
        if self.version:
            return self.version.state
        if self.run["end_ns"] is None:
            return "waiting"
        return self.job.state if self.job and self.job.state != "done" else "missing"

    @property
    def problem(self) -> str | None:
        return self.job.error if self.job else None


def choose(service: Service, event_id: str, query: Mapping[str, str]) -> Chosen:
    """The run and version that an address names. Raises NotFound."""
    event_id = ids.label("event_id", event_id)
    asked = fields.read(fields.REPORT_QUERY, query)
    with service.store.read() as db:
        runs = stored.of_event(db, event_id)
        run = pick(runs, event_id, asked["run"])
        versions = reports.versions(db, run["run_id"])
        job = reports.last_job(db, run["run_id"])
    wanted = [one for one in versions if asked["version"] in (None, one.version)]
    if asked["version"] and not wanted:
        raise NotFound(f"the report of {event_id!r}, run {run['run_id']}, has no version {asked['version']}")
    return Chosen(run, wanted[0] if wanted else None, versions, job, runs)


def pick(runs: list[sqlite3.Row], event_id: str, run_id: str | None) -> sqlite3.Row:
    """The run that is named; else the latest that has ended, else the active one."""
    if run_id:
        named = [run for run in runs if run["run_id"] == run_id]
        if not named:
            raise NotFound(f"event {event_id!r} has no run {run_id!r}")
        return named[0]
    if not runs:
        raise NotFound(f"there was no event {event_id!r}; GET /api/reports lists what there is")
    return next((run for run in runs if run["end_ns"] is not None), runs[0])
