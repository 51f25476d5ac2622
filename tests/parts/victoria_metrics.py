"""A real VictoriaMetrics of its own, with the flags that the box runs."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import tools
from tests.parts.process import Process, free_port, http_ok


class VictoriaMetrics(Process):
    """Base address in `url`; small helpers to write and read back."""

    def __init__(self, folder: Path, port: int | None = None, flags: tuple[str, ...] = ()):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            [
                tools.program("victoria-metrics"),
                f"-httpListenAddr=127.0.0.1:{self.port}",
                f"-storageDataPath={folder / 'storage'}",
                "-retentionPeriod=30d",
                "-futureRetention=10y",
                "-inmemoryDataFlushInterval=1s",
                "-search.latencyOffset=0s",
                *flags,
            ],
            folder / "victoria-metrics.log",
        )
        self.wait_ready(lambda: http_ok(f"{self.url}/health"))

    def write(self, *lines: str) -> None:
        """Write Influx lines; each must be whole, with its time in ns."""
        self.post("/write", "\n".join(lines).encode())

    def import_samples(self, metric: dict[str, str], times_ms: list[int], values: list[float]) -> None:
        """Write one series (`metric` with `__name__`) through /api/v1/import."""
        line = json.dumps({"metric": metric, "timestamps": times_ms, "values": values})
        self.post("/api/v1/import", line.encode())

    def flush(self) -> None:
        """Make what was written searchable."""
        self.get("/internal/force_flush")

    def export(self, match: str, start_s: float, end_s: float) -> list[dict]:
        """Raw samples of the matching series, as /api/v1/export gives them, after a flush."""
        self.flush()
        query = urllib.parse.urlencode({"match[]": match, "start": start_s, "end": end_s})
        return [json.loads(line) for line in self.get(f"/api/v1/export?{query}").split(b"\n") if line]

    def post(self, path: str, body: bytes) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=body), timeout=30) as reply:
            return reply.read()

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=30) as reply:
            return reply.read()


@contextmanager
def running(folder: Path, **options) -> Iterator[VictoriaMetrics]:
    """A VictoriaMetrics whose storage lies in `folder`; ended on leaving."""
    server = VictoriaMetrics(folder, **options)
    try:
        yield server
    finally:
        server.stop()
