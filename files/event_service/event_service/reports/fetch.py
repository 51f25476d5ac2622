"""Raw samples from VictoriaMetrics: every one of them, by /api/v1/export with an explicit end.

Not by a query: those leave out the last 30 s and give a grid instead of samples. `export` is the one
place that knows the format; the native one can take the place of JSON lines there.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from event_service.reports.model import ReportError

TIMEOUT_S = 30.0
FLUSH_TIMEOUT_S = 10.0
CHUNK_MS = 2 * 3600 * 1000
MAX_SAMPLES = 40_000_000


@dataclass(frozen=True)
class Raw:
    """One stored series: its labels, times [ms since the epoch, as stored] and values."""

    labels: dict[str, str]
    times_ms: np.ndarray
    values: np.ndarray

    @property
    def name(self) -> str:
        return self.labels.get("__name__", "")


def flush(query_url: str) -> None:
    """Make the newest samples searchable; a server that refuses shows them some seconds later."""
    try:
        with _open(query_url, "/internal/force_flush", {}, FLUSH_TIMEOUT_S):
            pass
    except ReportError:
        pass


def fetch(query_url: str, system_id: str, names: Iterable[str], start_ms: int, end_ms: int) -> list[Raw]:
    """All samples of one system with start_ms <= time <= end_ms, in order of their labels.

    Raises ReportError if the store does not answer in full, or holds more than a report can take.
    """
    selector = f"{{__name__=~{_quoted('|'.join(names))},system_id={_quoted(system_id)}}}"
    found: dict[str, list[Raw]] = {}
    count = 0
    for start, end in _chunks(start_ms, end_ms):
        for raw in export(query_url, selector, start, end):
            found.setdefault(json.dumps(raw.labels, sort_keys=True), []).append(raw)
            count += len(raw.times_ms)
            if count > MAX_SAMPLES:
                raise ReportError(
                    f"{system_id}: more than {MAX_SAMPLES} samples in this event. Split it into shorter events."
                )
    return [_joined(found[key]) for key in sorted(found)]


def export(query_url: str, selector: str, start_ms: int, end_ms: int) -> Iterator[Raw]:
    """The matching series of one stretch of time; a series may come in several pieces."""
    query = {"match[]": selector, "start": f"{start_ms / 1000:.3f}", "end": f"{end_ms / 1000:.3f}"}
    with _open(query_url, "/api/v1/export", query, TIMEOUT_S) as reply:
        try:
            # Read as a whole: reading by lines takes an answer that was cut off for a complete one.
            body = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise ReportError(f"VictoriaMetrics at {query_url} broke off its answer ({error}). Try again.") from error
    for line in body.split(b"\n"):
        if line:
            yield _parsed(line)


def _open(query_url: str, path: str, query: dict[str, str], timeout_s: float) -> http.client.HTTPResponse:
    if not query_url.startswith(("http://", "https://")):
        raise ReportError(f"VM_QUERY_URL is {query_url!r}: not an address such as http://127.0.0.1:8428.")
    url = f"{query_url.rstrip('/')}{path}?{urllib.parse.urlencode(query)}"
    try:
        # urllib asks for identity encoding: gzip would double the time.
        return urllib.request.urlopen(url, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        detail = error.read(500).decode(errors="replace").strip()
        raise ReportError(f"VictoriaMetrics at {query_url} refused {path}: {error.code} {detail}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ReportError(
            f"VictoriaMetrics at {query_url} does not answer ({error}). Check VM_QUERY_URL and that it runs."
        ) from error


def _parsed(line: bytes) -> Raw:
    """One line of JSON; `null` and "Infinity" become numbers that clean-up drops."""
    try:
        document = json.loads(line)
        times = np.array(document["timestamps"], np.int64)
        values = np.array(document["values"], np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise ReportError(f"VictoriaMetrics sent an export line that is no series: {line[:80]!r}") from error
    if len(times) != len(values):
        raise ReportError(f"VictoriaMetrics sent {len(times)} times for {len(values)} values: {line[:80]!r}")
    return Raw(document["metric"], times, values)


def _chunks(start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    for start in range(start_ms, end_ms + 1, CHUNK_MS):
        yield start, min(start + CHUNK_MS - 1, end_ms)


def _joined(pieces: Sequence[Raw]) -> Raw:
    return Raw(
        pieces[0].labels,
        np.concatenate([piece.times_ms for piece in pieces]),
        np.concatenate([piece.values for piece in pieces]),
    )


def _quoted(text: str) -> str:
    """A MetricsQL string literal."""
    return json.dumps(text, ensure_ascii=False)
