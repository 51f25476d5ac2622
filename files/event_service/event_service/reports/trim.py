"""Where a load really ran: idle time at both ends cut off, idle time inside listed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from event_service.reports.series import Series, blocks, gap_limit

IDLE_PEAK_RATIO = 0.02
IDLE_MIN_W = 50.0
IDLE_MIN_S = 60.0


@dataclass(frozen=True)
class Trim:
    """The active window [s], None when all was idle; `idle` lists the idle runs strictly inside it."""

    start: float | None
    end: float | None
    cut_s: float
    threshold_w: float
    idle: tuple[tuple[float, float], ...] = ()


def trim(power: Series, start: float, end: float) -> Trim:
    """Cut idle runs off both ends of [start, end] [s].

    Idle is |power| below max(2 % of its P99.9, 50 W) for at least 60 s without a gap. The P99.9 and not
    the peak: one glitch would raise the threshold. Charging (negative power) is not idle.
    """
    inside = power.between(start, end)
    if not len(inside):
        return Trim(start, end, 0.0, IDLE_MIN_W)
    threshold, gap = idle_threshold(inside), gap_limit(power)
    runs = _idle_runs(inside, threshold, gap)
    # A gap is not idle: a run that a gap parts from the start of the window is none of its head.
    head = [(a, b) for a, b in runs if a == inside.t[0] and a - start <= gap]
    tail = [(a, b) for a, b in runs if b == inside.t[-1] and end - b <= gap]
    if head and head == tail:
        return Trim(None, None, end - start, threshold)
    begin, finish = (head[0][1] if head else start), (tail[0][0] if tail else end)
    idle = tuple((a, b) for a, b in runs if a > begin and b < finish)
    return Trim(begin, finish, (begin - start) + (end - finish), threshold, idle)


def idle_threshold(power: Series) -> float:
    """The |power| [W] below which a load counts as idle."""
    return max(IDLE_PEAK_RATIO * float(np.quantile(np.abs(power.v), 0.999)), IDLE_MIN_W)


def _idle_runs(power: Series, threshold: float, gap: float) -> list[tuple[float, float]]:
    runs = []
    for block in blocks(power, gap):
        idle = np.concatenate(([False], np.abs(block.v) < threshold, [False]))
        begins, ends = np.flatnonzero(~idle[:-1] & idle[1:]), np.flatnonzero(idle[:-1] & ~idle[1:]) - 1
        runs += [(float(block.t[a]), float(block.t[b])) for a, b in zip(begins, ends, strict=True)]
    return [(a, b) for a, b in runs if b - a >= IDLE_MIN_S]
