"""Whether samples of a meter arrive in VictoriaMetrics."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable

_REQUEST_TIMEOUT_S = 5
_POLL_S = 0.5


def wait_for_samples(url: str, system_ids: Iterable[str], since_s: float, seconds: float) -> list[str]:
    """Wait until each system has a sample newer than `since_s`; return those that have none after `seconds`."""
    deadline = time.monotonic() + seconds
    waiting = sorted(system_ids)
    while waiting:
        _get(url, "/internal/force_flush", {})
        waiting = [system_id for system_id in waiting if not _has_sample(url, system_id, since_s)]
        if time.monotonic() >= deadline:
            break
        if waiting:
            time.sleep(_POLL_S)
    return waiting


def recent(url: str, since_s: float) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Samples of all meters since then: system → value's name (`Va`) → (time [s], value)."""
    _get(url, "/internal/force_flush", {})
    match = '{__name__=~"acuvim_.+",role="power_meter"}'
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for line in _get(url, "/api/v1/export", {"match[]": match, "start": f"{since_s:.3f}"}).splitlines():
        one = json.loads(line)
        stamped = zip(one["timestamps"], one["values"], strict=True)
        values = found.setdefault(one["metric"].get("system_id", ""), {})
        # A meter that has moved has two series of one name.
        series = values.setdefault(one["metric"]["__name__"].removeprefix("acuvim_"), [])
        series += [(stamp / 1000, value) for stamp, value in stamped]
    return found


def counts(url: str, seconds: int) -> dict[str, int]:
    """How many polls of each system brought a frequency in the last seconds; nothing while it cannot be asked."""
    query = f'sum(count_over_time(acuvim_F{{role="power_meter"}}[{seconds}s])) by (system_id)'
    reply = _get(url, "/api/v1/query", {"query": query})
    rows = json.loads(reply)["data"]["result"] if reply else []
    return {row["metric"].get("system_id", ""): int(float(row["value"][1])) for row in rows}


def _has_sample(url: str, system_id: str, since_s: float) -> bool:
    match = f'{{__name__=~"acuvim_.+",role="power_meter",system_id={json.dumps(system_id)}}}'
    return bool(_get(url, "/api/v1/export", {"match[]": match, "start": f"{since_s:.3f}"}))


def _get(url: str, path: str, query: dict[str, str]) -> bytes:
    """The reply, or nothing while VictoriaMetrics is away: the caller waits."""
    try:
        address = f"{url.rstrip('/')}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=_REQUEST_TIMEOUT_S) as reply:
            return reply.read()
    except (urllib.error.URLError, OSError):
        return b""
