"""Events made up sample by sample, and what a report says of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from event_service.reports.assemble import assemble
from event_service.reports.fetch import Raw
from event_service.reports.model import Note, ReportRequest, SystemSpan

START_NS = 1_795_500_000_000_000_000  # 2026-11-24 06:00:00 UTC
NS = 10**9


def request_of(*system_ids: str, seconds: float = 600.0, notes=(), **changes) -> ReportRequest:
    """A run of these systems from START_NS on; `notes` are (second, text)."""
    end_ns = START_NS + round(seconds * NS)
    request = ReportRequest(
        event_id="load_test",
        run_id="20261124T060000Z-ab12",
        version=1,
        start_ns=START_NS,
        end_ns=end_ns,
        timezone="Europe/Berlin",
        created_ns=START_NS,
        systems=tuple(SystemSpan(system_id, "yard", START_NS, end_ns) for system_id in system_ids),
        notes=tuple(Note(START_NS + round(t * NS), system_ids[0], "load_test", text) for t, text in notes),
    )
    return replace(request, **changes)


def raw(name: str, t, v, **labels: str) -> Raw:
    """A stored series; `t` in s since START_NS, `v` a value or one for each time."""
    times_ms = (START_NS // 10**6 + np.round(np.asarray(t) * 1000)).astype(np.int64)
    values = np.broadcast_to(np.asarray(v, float), times_ms.shape)
    return Raw({"__name__": name, **labels}, times_ms, values)


def every(step: float, start: float = -60.0, end: float = 663.0):
    return np.arange(start, end, step)


def victron(t, watts, shares=(0.5, 0.3, 0.2), volts=230.0, **labels) -> list[Raw]:
    """The series of a rig whose phases take shares of `watts`."""
    watts = np.broadcast_to(np.asarray(watts, float), np.shape(t))
    phases = [
        series
        for n, share in enumerate(shares, 1)
        for series in (
            raw(f"victron_ac_out_l{n}_p", t, watts * share, phase=f"L{n}", **labels),
            raw(f"victron_ac_out_l{n}_v", t, volts, phase=f"L{n}", **labels),
        )
    ]
    return [raw("victron_ac_out_power", t, watts, **labels), *phases]


@pytest.fixture
def stored():
    """Makers of stored series: raw, every, victron."""
    return SimpleNamespace(raw=raw, every=every, victron=victron)


@pytest.fixture
def request_for():
    """A maker of report requests: system ids, seconds, notes."""
    return request_of


@pytest.fixture
def report():
    """A function that reports stored series of each system: data.json as a dict, and the page."""

    def made(request: ReportRequest, found: dict[str, list[Raw]], after_s: float = 3600.0):
        by_span = {span: found.get(span.system_id, []) for span in request.systems}
        return assemble(request, by_span, request.end_ns + round(after_s * NS), {"event_service": "0.0.0"})

    return made
