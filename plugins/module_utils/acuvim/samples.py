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
