"""The marker series `ovr_event_active` in VictoriaMetrics: 1 while an event is active on a system at a location.

VictoriaMetrics keeps ms, and of two samples in one ms it may keep either: samples of a series are at least 1 ms apart.
SQLite holds the ns truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from event_service.line_protocol import line

SERIES = "ovr_event_active"
NOWHERE = "-"
MS = 1_000_000


@dataclass(frozen=True)
class Marker:
    """One sample of a marker series."""

    event_id: str
    system_id: str
    location: str | None
    active: bool
    ts_ns: int

    @property
    def tags(self) -> dict[str, str]:
        return {"event_id": self.event_id, "system_id": self.system_id, "location": self.location or NOWHERE}

    @property
    def line(self) -> str:
        return line("ovr_event", self.tags, {"active": int(self.active)}, self.ts_ns)

    @property
    def ts_ms(self) -> int:
        return self.ts_ns // MS


def opening_ns(ts_ns: int, taken_ms: Iterable[tuple[int, int]]) -> int:
    """When a series opens: at `ts`, or just after earlier samples of the same series that reach over it.

    `taken_ms` are first and last sample of each time the series was open before.
    """
    for first_ms, last_ms in sorted(taken_ms):
        if first_ms <= ts_ns // MS <= last_ms:
            ts_ns = (last_ms + 1) * MS
    return ts_ns


def following_ns(ts_ns: int, last_ms: int) -> int:
    """When the next sample of an open series stands: at `ts`, or 1 ms after its last sample."""
    return ts_ns if ts_ns // MS > last_ms else (last_ms + 1) * MS
