"""How well a quantity was measured: what was expected, what came, what is missing or strange."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from event_service.reports.series import Series, gap_limit, gaps, period

OVERLAP_BIN_S = 10.0
OVERLAP_RATIO = 1.5


@dataclass(frozen=True)
class Quality:
    """Counts of samples, seconds, and spans [s]; `coverage` is the share of time that was measured.

    `overlaps` are times with far more samples than usual, as after a clock that was set back;
    `unchanged_s` is the longest time in which a value that was not idle did not move at all.
    """

    expected: int
    received: int
    coverage: float
    missing_s: float
    period_s: float
    gap_s: float
    gaps: tuple[tuple[float, float], ...]
    overlaps: tuple[tuple[float, float], ...]
    unchanged_s: float
    duplicates: int
    dropped: int


def quality(series: Series, start: float, end: float, idle_below: float = 0.0) -> Quality:
    """The quality of one series in [start, end] [s]; |value| < `idle_below` is idle."""
    gap = gap_limit(series)
    inside = series.between(start, end)
    missing = gaps(series, start, end, gap)
    missing_s = sum(b - a for a, b in missing)
    step = period(series)
    return Quality(
        expected=round((end - start) / step) if step else 0,
        received=len(inside),
        coverage=1 - missing_s / (end - start) if end > start else 0.0,
        missing_s=missing_s,
        period_s=step,
        gap_s=gap,
        gaps=tuple(missing),
        overlaps=_overlaps(inside, start, end, step),
        unchanged_s=_longest_unchanged(inside, gap, idle_below),
        duplicates=series.duplicates,
        dropped=series.dropped,
    )


def _overlaps(inside: Series, start: float, end: float, step: float) -> tuple[tuple[float, float], ...]:
    if not step or end - start < OVERLAP_BIN_S or step > OVERLAP_BIN_S / 4:
        return ()
    edges = np.arange(start, end, OVERLAP_BIN_S)
    counts, _ = np.histogram(inside.t, np.append(edges, edges[-1] + OVERLAP_BIN_S))
    crowded = np.flatnonzero(counts > OVERLAP_RATIO * OVERLAP_BIN_S / step)
    return tuple((float(edges[i]), float(min(edges[i] + OVERLAP_BIN_S, end))) for i in crowded)


def _longest_unchanged(inside: Series, gap: float, idle_below: float) -> float:
    if not len(inside):
        return 0.0
    breaks = np.flatnonzero((np.diff(inside.v) != 0) | (np.diff(inside.t) > gap))
    first, last = np.append(0, breaks + 1), np.append(breaks, len(inside) - 1)
    idle = np.abs(inside.v[first]) < idle_below
    return float(np.where(idle, 0.0, inside.t[last] - inside.t[first]).max())
