"""The samples of an event, waited for if it has only just ended, and as series of one clock."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from event_service.reports import devices, finality
from event_service.reports.fetch import Raw, fetch, flush
from event_service.reports.model import ReportRequest, SystemSpan
from event_service.reports.series import Series, clean

NS_PER_MS = 10**6
NS_PER_S = 10**9
JUST_ENDED_NS = 60 * NS_PER_S
PAUSE_S = 1.0


def samples(request: ReportRequest, query_url: str, now_ns: int, patience_s: float) -> dict[SystemSpan, list[Raw]]:
    """All samples around each system's part of the run, margins included."""
    if now_ns - request.end_ns < JUST_ENDED_NS:
        _wait(request.systems, query_url, time.monotonic() + patience_s)
    flush(query_url)
    return {span: _fetch(query_url, span, devices.names(), span.start_ns) for span in request.systems}


def missing(found: Iterable[Raw], span: SystemSpan) -> dict[str, float] | None:
    """Power series that have not passed the end of the event, by seconds; None if there is none at all."""
    powers = [raw for raw in found if raw.name in devices.power_names()]
    return finality.late(powers, span.end_ns) if powers else None


def used(found: Iterable[Raw], span: SystemSpan) -> list[Raw]:
    """The samples the report rests on: the same ones whenever it is made again."""
    powers = devices.power_names()
    cut = [finality.cut(raw, span.start_ns, span.end_ns, tail=raw.name in powers) for raw in found]
    return [raw for raw in cut if len(raw.times_ms)]


def series_of(found: Sequence[Raw], origin_ns: int) -> tuple[dict[str, Series], list[str]]:
    """One series for each name, times in s since `origin_ns`, and remarks where there were several."""
    by_name: dict[str, list[Raw]] = {}
    for raw in found:
        by_name.setdefault(raw.name, []).append(raw)
    series, remarks = {}, []
    for name, raws in sorted(by_name.items()):
        chosen = _in_turn(raws)
        if len(chosen) < len(raws):
            remarks.append(f"{len(raws)} series named {name} overlap in time: the one with most samples is used.")
        times = np.concatenate([raw.times_ms for raw in chosen])
        values = np.concatenate([raw.values for raw in chosen])
        series[name] = clean((times * NS_PER_MS - origin_ns) / NS_PER_S, values)
    return series, remarks


def _in_turn(raws: Sequence[Raw]) -> list[Raw]:
    """All of them if they follow each other, as when a meter got a new address; else the longest."""
    ordered = sorted(raws, key=lambda raw: int(raw.times_ms.min()))
    for before, after in pairwise(ordered):
        if int(before.times_ms.max()) >= int(after.times_ms.min()):
            return [max(raws, key=lambda raw: len(raw.times_ms))]
    return ordered


def _wait(spans: Sequence[SystemSpan], query_url: str, deadline: float) -> None:
    while time.monotonic() < deadline and not all(_arrived(query_url, span) for span in spans):
        time.sleep(PAUSE_S)


def _arrived(query_url: str, span: SystemSpan) -> bool:
    flush(query_url)
    near_end = max(span.start_ns, span.end_ns - JUST_ENDED_NS)
    return missing(_fetch(query_url, span, devices.power_names(), near_end), span) == {}


def _fetch(query_url: str, span: SystemSpan, names: Iterable[str], start_ns: int) -> list[Raw]:
    first = start_ns // NS_PER_MS - finality.HEAD_MS
    return fetch(query_url, span.system_id, names, first, span.end_ns // NS_PER_MS + finality.REACH_MS)
