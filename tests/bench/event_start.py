"""P4: starting an event, from request to acknowledgement, beside one bare commit on the same disk."""

from __future__ import annotations

import http.client
import itertools
import json
import sqlite3
import sys
import tempfile
from pathlib import Path

from tests.bench.row import Row, compare
from tests.lab.cache import REPO
from tests.parts import victoria_metrics
from tests.parts.process import Process, free_port, http_ok

STARTS = 50
GOAL = 20.0


def measure() -> Row:
    """Median time of one acknowledged start over keep-alive, as a multiple of a SQLite WAL commit with FULL."""
    with tempfile.TemporaryDirectory(dir=REPO / "build") as scratch:
        folder = Path(scratch)
        with victoria_metrics.running(folder) as metrics:
            service, port = _start_service(folder, metrics.url)
            try:
                return compare(
                    "P4", f"{STARTS} event starts, acknowledged on disk", _starts(port),
                    f"{STARTS} bare SQLite commits (WAL, FULL)", _commits(folder), GOAL,
                )  # fmt: skip
            finally:
                service.stop()


def _start_service(folder: Path, vm_url: str) -> tuple[Process, int]:
    port = free_port()
    environment = {
        "DB_PATH": str(folder / "events.db"),
        "IMAGES_PATH": str(folder / "images"),
        "REPORTS_PATH": str(folder / "reports"),
        "VM_WRITE_URL": f"{vm_url}/write",
        "VM_QUERY_URL": vm_url,
        "PORT": str(port),
    }
    service = Process(
        [sys.executable, "-m", "event_service"], folder / "event-service.log", environment, REPO / "files/event_service"
    )
    return service.wait_ready(lambda: http_ok(f"http://127.0.0.1:{port}/health")), port


def _starts(port: int):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    numbers = itertools.count()

    def run() -> None:
        for _ in range(STARTS):
            body = json.dumps({"system_id": f"bench_{next(numbers)}", "event_id": "bench"})
            connection.request("POST", "/api/event/start", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = reply.read()
            if reply.status != 200:
                raise RuntimeError(f"start answered {reply.status}: {answer.decode()}")

    return run


def _commits(folder: Path):
    database = sqlite3.connect(folder / "reference.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE event (system_id TEXT, event_id TEXT, ts INTEGER)")

    def run() -> None:
        for number in range(STARTS):
            database.execute("INSERT INTO event VALUES (?, 'bench', ?)", (f"bench_{number}", number))

    return run
