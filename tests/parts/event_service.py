"""The event service as a process, and its HTTP side over a real socket."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.parts.process import Process, free_port, http_ok

SERVICE = Path(__file__).parents[2] / "files" / "event_service"


class EventService(Process):
    """`python -m event_service` on a port of its own; killed and started again on the same data."""

    def __init__(self, folder: Path, vm_url: str = "http://127.0.0.1:9", **environment: str):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "DB_PATH": str(folder / "events.db"),
            "PORT": str(self.port),
            "VM_WRITE_URL": f"{vm_url}/write",
            "VM_QUERY_URL": vm_url,
            "NODE_ID": "box1",
            **environment,
        }
        self.launch()

    def launch(self) -> None:
        """Start the program (again), and wait until it is healthy."""
        command = [sys.executable, "-m", "event_service"]
        super().__init__(command, self.folder / "event-service.log", env=self.environment, cwd=SERVICE)
        self.wait_ready(lambda: http_ok(f"{self.url}/health"))

    def post(self, path: str, timeout: float = 10.0, headers: dict | None = None, **body) -> dict:
        """A write that must succeed; its reply."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"{self.url}{path}", data=json.dumps(body).encode(), headers=sent)
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            return json.loads(reply.read())

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as reply:
            return json.loads(reply.read())

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code
