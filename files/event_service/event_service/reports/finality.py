"""Whether all samples of an event have arrived, and the digest of those that have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from event_service.reports.fetch import Raw
from event_service.reports.model import SystemSpan

# Samples after the end that the report uses: a change before the end may show two refreshes later.
TAIL_MS = 3_000
# Samples before the start, to know the source's rhythm and the value at the start.
HEAD_MS = 60_000
# A slow collector's next sample after the end.
REACH_MS = 60_000
# What has not come by now may be in no queue any more: named as missing, for good.
GIVE_UP_NS = 600 * 10**9
NS_PER_MS = 10**6


@dataclass(frozen=True)
class Finality:
    """`reasons` say which series do not reach past the end of the event; none: all do."""

    state: str
    reasons: tuple[str, ...]


def cut(raw: Raw, start_ns: int, end_ns: int, tail: bool) -> Raw:
    """The samples a report uses: no later ones, so that it does not change as time goes on.

    With `tail`, those shortly after the end too: a quantity that is integrated needs them.
    """
    start_ms, end_ms = start_ns // NS_PER_MS, -(-end_ns // NS_PER_MS)
    after = raw.times_ms[raw.times_ms >= end_ms]
    last = max(end_ms + TAIL_MS, int(after.min()) if len(after) else 0) if tail else end_ms
    used = (raw.times_ms >= start_ms - HEAD_MS) & (raw.times_ms <= last)
    return Raw(raw.labels, raw.times_ms[used], raw.values[used])


def late(raws: Iterable[Raw], end_ns: int) -> dict[str, float]:
    """Series that have not passed the end by `TAIL_MS`, and by how much [s]; the newest of each name counts."""
    newest: dict[str, int] = {}
    for raw in raws:
        if len(raw.times_ms):
            newest[raw.name] = max(newest.get(raw.name, 0), int(raw.times_ms.max()))
    wanted_ms = end_ns / NS_PER_MS + TAIL_MS
    return {name: (wanted_ms - ms) / 1000 for name, ms in sorted(newest.items()) if ms < wanted_ms}


def judge(missing: Mapping[SystemSpan, Mapping[str, float] | None], now_ns: int) -> Finality:
    """Final or provisional, from what each system lacks (see `late`; None: no sample at all)."""
    reasons, waiting = [], False
    for span, series in missing.items():
        reasons += _reasons(span, series)
        waiting = waiting or (series != {} and now_ns < span.end_ns + GIVE_UP_NS)
    return Finality("provisional" if waiting else "final", tuple(reasons))


def digest(raws: Iterable[Raw]) -> str:
    """SHA-256 over labels, times and values of the used samples; the same samples give the same."""
    total = hashlib.sha256()
    for raw in sorted(raws, key=_labels):
        order = np.argsort(raw.times_ms, kind="stable")
        total.update(_labels(raw).encode())
        total.update(raw.times_ms[order].astype("<i8").tobytes())
        total.update(raw.values[order].astype("<f8").tobytes())
    return f"sha256:{total.hexdigest()}"


def _reasons(span: SystemSpan, series: Mapping[str, float] | None) -> list[str]:
    if series is None:
        return [f"{span.system_id}: no sample of a power series."]
    return [
        f"{span.system_id}: {name} stops {seconds:.1f} s before the last sample that a full report needs."
        for name, seconds in series.items()
    ]


def _labels(raw: Raw) -> str:
    return json.dumps(raw.labels, sort_keys=True, ensure_ascii=False)
