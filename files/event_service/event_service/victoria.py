"""VictoriaMetrics over HTTP: lines go in through the write address, everything is read from the query address."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException

from event_service.markers import SERIES, Marker

# Answers that will be the same for the same line: repeating it is useless. Others may pass.
REFUSALS = (400, 413, 415, 422)


class VictoriaAway(Exception):
    """No answer, or one that may be better later."""


class VictoriaRefuses(Exception):
    """The line will never be taken."""


class Victoria:
    """A client with a timeout on everything. Safe to use from several threads."""

    def __init__(self, write_url: str, query_url: str, *, timeout_s: float = 5.0):
        self.write_url = write_url
        self.query_url = query_url
        self.timeout_s = timeout_s
        # No proxy of the environment: the store is on this machine or in its network.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def write(self, line: str) -> None:
        """Hand over one Influx line. One a request: a broken one would take its neighbours with it."""
        self._open(urllib.request.Request(self.write_url, data=line.encode() + b"\n", method="POST"))

    def ping(self) -> None:
        """Raise VictoriaAway unless it answers."""
        self._get("/health", {}, timeout_s=2.0)

    def started(self) -> str:
        """When the running VictoriaMetrics started, as it says: another text means that it was restarted."""
        text = self._get("/metrics", {}).decode(errors="replace")
        found = re.findall(r"^(?:vm_app_start_timestamp|process_start_time_seconds) (\S+)", text, re.MULTILINE)
        if not found:
            raise VictoriaAway(f"{self.query_url}/metrics says no start time")
        return "/".join(found)

    def flush(self) -> None:
        """Make what was written searchable now. It may be forbidden: then it becomes searchable in some seconds."""
        try:
            self._get("/internal/force_flush", {})
        except VictoriaRefuses:
            pass

    def has(self, marker: Marker) -> bool:
        """Whether the marker can be read back."""
        at = f"{marker.ts_ms // 1000}.{marker.ts_ms % 1000:03d}"
        reply = self._get("/api/v1/export", {"match[]": selector(SERIES, marker.tags), "start": at, "end": at})
        series = [json.loads(row) for row in reply.split(b"\n") if row]
        samples = [sample for one in series for sample in zip(one["timestamps"], one["values"], strict=True)]
        return (marker.ts_ms, int(marker.active)) in samples

    def query(self, expression: str) -> list[dict]:
        """The result of an instant query, without the delay and the cache that hide the last samples."""
        asked = {"query": expression, "nocache": "1", "latency_offset": "1ms"}
        return json.loads(self._get("/api/v1/query", asked, timeout_s=2.0))["data"]["result"]

    def _get(self, path: str, parameters: dict[str, str], timeout_s: float | None = None) -> bytes:
        address = f"{self.query_url}{path}?{urllib.parse.urlencode(parameters)}"
        return self._open(urllib.request.Request(address), timeout_s)

    def _open(self, request: urllib.request.Request, timeout_s: float | None = None) -> bytes:
        try:
            with self._opener.open(request, timeout=timeout_s or self.timeout_s) as reply:
                return reply.read()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace").strip()
            if error.code in REFUSALS:
                raise VictoriaRefuses(f"{error.code}: {said}") from None
            raise VictoriaAway(f"{error.code}: {said}") from None
        except (OSError, HTTPException) as error:
            raise VictoriaAway(str(getattr(error, "reason", error))) from None


def selector(name: str, labels: dict[str, str]) -> str:
    """A selector for exactly these labels (others may be there too)."""
    # Characters stay as they are: JSON's \\ud83c\\udf6d for 🍭 is no valid escape in PromQL.
    matchers = [f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels.items()]
    return f"{name}{{{','.join(matchers)}}}"
