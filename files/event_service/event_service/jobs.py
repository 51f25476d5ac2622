"""Makes the reports that are due, and makes them again while samples may still come in."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from event_service import report_request
from event_service.clock import SECOND
from event_service.config import Config
from event_service.log import fields
from event_service.report_child import make
from event_service.reports import Made, ReportError, ReportRequest
from event_service.reports.folder import PARTIAL
from event_service.store import Store, StoreError, reports
from event_service.store.prune import prune
from event_service.store.reports import Job, Version

log = logging.getLogger("reports")

# A provisional report is looked at again: after which reason, how much later, under which name.
FOLLOW_UPS = {"end": (60 * SECOND, "after 60 s"), "after 60 s": (540 * SECOND, "after 10 min")}
ATTEMPTS_MAX = 40
DRAFT = ".draft-"
IDLE_S = 5.0
PRUNE_EVERY_NS = 3600 * SECOND


@dataclass
class Counts:
    """What happened since the start, for the metrics."""

    made: int = 0
    failed: int = 0
    seconds: float = 0.0


class Jobs:
    """Any number of threads run it; `wake` says that something was queued, `wait` waits for a job's outcome."""

    def __init__(self, store: Store, config: Config, *, clock: Callable[[], int] = time.time_ns, make=make):
        self.store = store
        self.config = config
        self.clock = clock
        self.make = make
        self.counts = Counts()
        self._woken = threading.Event()
        self._finished = threading.Condition()
        self._pruned_ns = 0

    def wake(self) -> None:
        self._woken.set()

    def wait(self, job_id: int, timeout_s: float) -> Job:
        """The job once it is finished, or as it is after the timeout."""
        deadline = time.monotonic() + timeout_s
        with self._finished:
            while True:
                with self.store.read() as db:
                    job = reports.job(db, job_id)
                left = deadline - time.monotonic()
                if job.state in ("done", "failed") or job.error or left <= 0:
                    return job
                self._finished.wait(min(left, 1.0))

    def recover(self) -> None:
        """After a start: queue what was running, and clear away what it had begun."""
        with self.store.write() as db:
            reports.recover(db)
        for prefix in (DRAFT, PARTIAL):
            for folder in self.config.reports_path.glob(f"{prefix}*"):
                shutil.rmtree(folder, ignore_errors=True)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; never ends by an error."""
        while not stop.is_set():
            try:
                self._prune()
                if not self.step():
                    self._woken.wait(self._pause_s())
                    self._woken.clear()
            except StoreError as error:
                log.warning("Reports wait: %s", error)
                stop.wait(IDLE_S)
            except Exception:
                log.exception("The report worker stumbled; it goes on")
                stop.wait(IDLE_S)

    def step(self) -> bool:
        """Do the job that is due, if one is."""
        with self.store.write() as db:
            job = reports.claim(db, self.clock())
        if job is None:
            return False
        began = time.monotonic()
        try:
            self._do(job)
            self.counts.made += 1
        except ReportError as error:
            self._failed(job, str(error))
        except Exception as error:
            log.exception("A report could not be made")
            self._failed(job, f"{type(error).__name__}: {error}")
        self.counts.seconds = time.monotonic() - began
        with self._finished:
            self._finished.notify_all()
        return True

    def _do(self, job: Job) -> None:
        with self.store.read() as db:
            latest = reports.latest(db, job.run_id)
            version = latest.version + 1 if latest else 1
            request = report_request.request(db, job.run_id, version=version, timezone=self.config.timezone)
        draft = self.config.reports_path / f"{DRAFT}{job.run_id}"
        shutil.rmtree(draft, ignore_errors=True)
        made = self.make(
            request,
            query_url=self.config.vm_query_url,
            out=draft,
            now_ns=self.clock(),
            versions={"event_service": self.config.build.version, "git_sha": self.config.build.git_sha},
        )
        published = self._publish(request, made, latest)
        with self.store.write() as db:
            if published:
                reports.publish(db, published)
            reports.close(db, job, now_ns=self.clock())
            self._follow_up(db, job, made.state)

    def _publish(self, request: ReportRequest, made: Made, latest: Version | None) -> Version | None:
        """Move a draft to its place, or drop it when it says what the latest version says."""
        asked = report_request.digest(request)
        if latest and self._stands(latest) and _says(latest) == (asked, made.digest, made.state):
            shutil.rmtree(made.folder)
            return None
        folder = self.config.reports_path / report_request.folder_name(request)
        _move(made.folder, folder)
        log.info(
            "Report made",
            extra=fields(event_id=request.event_id, run=request.run_id, version=request.version, state=made.state),
        )
        return Version(
            request.run_id, request.version, made.state, asked, made.digest, folder.name, made.summary, self.clock()
        )

    def _stands(self, version: Version) -> bool:
        return (self.config.reports_path / version.folder / "report.html").is_file()

    def _follow_up(self, db: sqlite3.Connection, job: Job, state: str) -> None:
        if state == "provisional" and job.reason in FOLLOW_UPS:
            later_ns, reason = FOLLOW_UPS[job.reason]
            reports.enqueue(db, job.run_id, reason, due_ns=self.clock() + later_ns, now_ns=self.clock())

    def _failed(self, job: Job, error: str) -> None:
        """Try again later: VictoriaMetrics may be away for hours. The error is shown in the meantime."""
        self.counts.failed += 1
        log.warning("No report: %s", error, extra=fields(run=job.run_id, attempt=job.attempts))
        # A full disk may be why it failed: the job must not stay marked as running for ever.
        while not self._record_failure(job, error):
            time.sleep(IDLE_S)

    def _record_failure(self, job: Job, error: str) -> bool:
        try:
            with self.store.write() as db:
                if job.attempts >= ATTEMPTS_MAX:
                    reports.close(db, job, now_ns=self.clock(), error=error)
                else:
                    reports.put_back(db, job, due_ns=self.clock() + retry_ns(job.attempts), error=error)
        except StoreError:
            return False
        return True

    def _pause_s(self) -> float:
        with self.store.read() as db:
            due_ns = reports.next_due_ns(db)
        return IDLE_S if due_ns is None else min(max((due_ns - self.clock()) / SECOND, 0.2), IDLE_S)

    def _prune(self) -> None:
        now_ns = self.clock()
        if abs(now_ns - self._pruned_ns) > PRUNE_EVERY_NS:
            with self.store.write() as db:
                prune(db, now_ns)
            self._pruned_ns = now_ns


def retry_ns(attempts: int) -> int:
    """2, 4, 8, … s, at most 5 minutes: 40 attempts are three hours."""
    return min(2**attempts, 300) * SECOND


def _says(version: Version) -> tuple[str, str, str]:
    return version.request, version.digest, version.state


def _move(draft: Path, folder: Path) -> None:
    """Give a draft its name. What stands there was never announced: the service ended between move and commit."""
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    above = os.open(folder.parent, os.O_RDONLY)
    os.fsync(above)
    os.close(above)
