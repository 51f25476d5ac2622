"""One quantity over time: clean samples, gaps, and the samples inside a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GAP_MIN_S = 5.0
GAP_PERIODS = 10.0


@dataclass(frozen=True)
class Series:
    """Samples in time order, one per instant.

    `t` [s since the origin of the window], `v` [the quantity's unit]. `duplicates` counts samples that
    shared an instant with a later one, `dropped` those that were no number.
    """

    t: np.ndarray
    v: np.ndarray
    duplicates: int = 0
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.t)

    def between(self, start: float, end: float) -> Series:
        """The samples with start <= t <= end [s]."""
        first, last = np.searchsorted(self.t, start, "left"), np.searchsorted(self.t, end, "right")
        return Series(self.t[first:last], self.v[first:last])


EMPTY = Series(np.empty(0), np.empty(0))


def clean(t: np.ndarray, v: np.ndarray) -> Series:
    """Sort by time, drop what is no finite number, keep the last of equal instants. Zeros stay."""
    t, v = np.asarray(t, float), np.asarray(v, float)
    finite = np.isfinite(v)
    t, v = t[finite], v[finite]
    order = np.argsort(t, kind="stable")
    t, v = t[order], v[order]
    last = np.append(t[1:] != t[:-1], True) if len(t) else np.empty(0, bool)
    return Series(t[last], v[last], int(len(t) - last.sum()), int(len(finite) - finite.sum()))


def period(series: Series) -> float:
    """The usual time between samples [s], a median; 0 when there are fewer than two."""
    return float(np.median(np.diff(series.t))) if len(series) > 1 else 0.0


def gap_limit(series: Series) -> float:
    """Samples further apart than this [s] have a gap between them: max(5 s, 10 usual periods)."""
    return max(GAP_MIN_S, GAP_PERIODS * period(series))


def blocks(series: Series, gap: float) -> list[Series]:
    """The stretches between gaps."""
    if not len(series):
        return []
    cuts = np.flatnonzero(np.diff(series.t) > gap) + 1
    return [Series(t, v) for t, v in zip(np.split(series.t, cuts), np.split(series.v, cuts), strict=True)]


def window(block: Series, start: float, end: float, fill: str = "linear") -> Series:
    """A gapless block cut to [start, end], with a sample at each cut taken from its neighbours.

    `fill` says what lies between two samples: "linear" a straight line, "hold" the earlier value.
    """
    start, end = max(start, block.t[0]), min(end, block.t[-1])
    if start > end:
        return EMPTY
    inside = (block.t > start) & (block.t < end)
    t = np.concatenate(([start], block.t[inside], [end])) if end > start else np.array([start])
    return Series(t, at(block, t, fill))


def at(block: Series, t: np.ndarray, fill: str = "linear") -> np.ndarray:
    """Values of a gapless block at instants within it."""
    if fill == "linear":
        return np.interp(t, block.t, block.v)
    return block.v[np.searchsorted(block.t, t, "right") - 1]


def measured(series: Series, start: float, end: float, gap: float) -> list[tuple[float, float]]:
    """The parts of [start, end] that samples cover [s], in order."""
    cuts = [(max(start, b.t[0]), min(end, b.t[-1])) for b in blocks(series, gap)]
    return [(a, b) for a, b in cuts if b > a]


def gaps(series: Series, start: float, end: float, gap: float) -> list[tuple[float, float]]:
    """The parts of [start, end] that no sample covers [s], in order."""
    edges = [start, *(t for part in measured(series, start, end, gap) for t in part), end]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def total(parts: Sequence[Series]) -> Series:
    """The sum of several series, wherever all of them are covered by samples."""
    if not parts or not all(len(part) for part in parts):
        return EMPTY
    t = np.unique(np.concatenate([part.t for part in parts]))
    v = sum(_or_nan(part, t) for part in parts)
    covered = np.isfinite(v)
    return Series(t[covered], v[covered])


def _or_nan(series: Series, t: np.ndarray) -> np.ndarray:
    values = np.full(len(t), np.nan)
    for block in blocks(series, gap_limit(series)):
        covered = (t >= block.t[0]) & (t <= block.t[-1])
        values[covered] = at(block, t[covered])
    return values
