"""Times as the service writes them: ns since the epoch inside, UTC text where people read it."""

from __future__ import annotations

from datetime import UTC, datetime

from event_service.errors import Invalid

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND

AHEAD_MAX = 5 * MINUTE
RETENTION = 30 * DAY


def moment(ts_ns: int | None, *, now_ns: int) -> int:
    """When something happened: `ts` where the caller gave one that can be, else now.

    Further back than VictoriaMetrics keeps data there is nothing to report on, and a marker would be dropped unseen.
    """
    if ts_ns is None:
        return now_ns
    if ts_ns > now_ns + AHEAD_MAX:
        raise Invalid("ts", ts_ns, f"is more than 5 minutes ahead of {utc(now_ns)}; ts is ns since the epoch")
    if ts_ns < now_ns - RETENTION:
        raise Invalid("ts", ts_ns, f"is more than 30 days back{_unit_hint(ts_ns, now_ns)}; data is kept for 30 days")
    return ts_ns


def utc(ts_ns: int) -> str:
    """2026-11-24T06:30:00.123Z, cut to ms."""
    whole, part = divmod(ts_ns, SECOND)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{part // 1_000_000:03d}Z"


def compact_utc(ts_ns: int) -> str:
    """20261124T063000Z, for ids and folder names."""
    return f"{datetime.fromtimestamp(ts_ns // SECOND, UTC):%Y%m%dT%H%M%SZ}"


def _unit_hint(ts_ns: int, now_ns: int) -> str:
    for unit, factor in (("s", SECOND), ("ms", 1_000_000), ("µs", 1_000)):
        if abs(ts_ns * factor - now_ns) < RETENTION:
            return f", it looks like {unit}: ts is ns since the epoch"
    return ""
