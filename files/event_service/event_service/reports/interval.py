"""How far an energy can be from the truth because of what the samples cannot show.

A collector asks more often than a source refreshes: the values between two refreshes were never seen.
The interval rests on these statements, and holds as far as they do:

1. Between two refreshes the power moves one way, or jumps once. A pulse that is shorter than a refresh
   can pass unseen.
2. Where successive refreshes rise or fall evenly the load follows that line; anywhere else it may have
   been anything between the two values, so a step lies anywhere between its refreshes.
3. A new value is seen late by up to the time between two samples. What is common to all of them shifts
   the curve and matters at the edges of the window only; the rest differs from one rise or fall of the
   load to the next, and within one only where the distances of the values show it.
4. Errors of different steps are independent. They are added in square (a width w as a uniform
   distribution, w/sqrt(3)) and stated three standard deviations wide; never wider than their plain sum.
5. The source rounds or cuts its values to its resolution, always the same way.

The class of the measuring device is another matter: see `devices.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

import numpy as np

from event_service.reports.energy import SECONDS_PER_HOUR, integrate
from event_service.reports.series import Series, blocks, gap_limit

SIGMAS = 3.0
REFRESHES_NEEDED = 8
REFRESH_QUANTILE = 0.95
REFRESH_MAX_S = 5.0
RESOLUTIONS = (1.0, 0.1, 0.01)


@dataclass(frozen=True)
class Refresh:
    """The longest usual time between two refreshes of a source [s].

    `seen` is the number of refreshes that show it, 0 when it is assumed.
    """

    period_s: float
    seen: int = 0


@dataclass(frozen=True)
class Uncertainty:
    """Half-widths of an energy [Wh, or VAh].

    `hidden`: what happened between refreshes; `timing`: when values were taken; `edges`: the same at
    start, end and gaps; `resolution`: rounding by the source; `joining`: samples joined as they were
    collected, against refreshes joined as they were seen.
    """

    hidden: float = 0.0
    timing: float = 0.0
    edges: float = 0.0
    resolution: float = 0.0
    joining: float = 0.0

    @property
    def half(self) -> float:
        return sum(astuple(self))


@dataclass(frozen=True)
class _Knots:
    """When the source is known to have had which value: `t` [s], `v`, seen `late` by at most [s]."""

    t: np.ndarray
    v: np.ndarray
    late: np.ndarray


def uncertainty(power: Series, start: float, end: float, refresh: Refresh) -> Uncertainty:
    """Half-widths of the energy that `integrate` gives for the measured part of [start, end] [s]."""
    gap = gap_limit(power)
    stretches = [b for b in blocks(power, gap) if b.t[0] < end and b.t[-1] > start and len(b) > 1]
    if not stretches:
        return Uncertainty()
    cuts = [(max(start, b.t[0]), min(end, b.t[-1])) for b in stretches]
    knots = [_knots(b, refresh.period_s) for b in stretches]
    hidden, shifts = [], []
    for k, (a, b) in zip(knots, cuts, strict=True):
        unknown, even = _hidden(k, a, b)
        hidden.append(unknown)
        shifts.append(_shifts(k, even))
    joined = sum(_area(k, a, b) for k, (a, b) in zip(knots, cuts, strict=True))
    edges = _edges(knots, cuts, refresh) + _unseen_ends(stretches, refresh)
    energy = integrate(power, start, end, gap)
    return Uncertainty(
        hidden=_pool(np.concatenate(hidden)) / SECONDS_PER_HOUR,
        timing=_pool(np.concatenate(shifts)) / SECONDS_PER_HOUR,
        edges=edges / SECONDS_PER_HOUR,
        resolution=resolution(power) * energy.measured_s / SECONDS_PER_HOUR,
        joining=abs(joined / SECONDS_PER_HOUR - energy.net_wh),
    )


def add(parts: Sequence[Uncertainty]) -> Uncertainty:
    """Half-widths of a sum whose parts move together, as the phases of one load do."""
    return Uncertainty(*(sum(term) for term in zip(*map(astuple, parts), strict=True)))


def refresh(candidates: Sequence[Series], assumed_s: float) -> Refresh:
    """How often a source refreshes, from the first of its series that shows it; else as assumed.

    Repeated values alone show nothing, for a steady load repeats too. Refreshes are seen where a load
    moves evenly: neighbouring changes of one sign and similar size, of at least three resolutions.
    """
    for series in candidates:
        times = _between_refreshes(series)
        if len(times) >= REFRESHES_NEEDED:
            period = np.quantile(times, REFRESH_QUANTILE, method="higher")
            return Refresh(float(period), len(times))
    return Refresh(assumed_s)


def resolution(series: Series) -> float:
    """The coarsest step [unit of the series] that all values are multiples of; 0 if they are not."""
    for step in RESOLUTIONS:
        if len(series) and np.allclose(series.v / step, np.round(series.v / step), rtol=0, atol=1e-6):
            return step
    return 0.0


def _between_refreshes(series: Series) -> np.ndarray:
    changed = np.flatnonzero(np.diff(series.v)) + 1
    if len(changed) < 2:
        return np.empty(0)
    between = np.diff(series.t[changed])
    change = series.v[changed] - series.v[changed - 1]
    before, after = np.abs(change[:-1]), np.abs(change[1:])
    smaller, larger = np.minimum(before, after), np.maximum(before, after)
    alike = (change[:-1] * change[1:] > 0) & (larger <= 4 * smaller)
    return between[alike & (smaller >= 3 * resolution(series)) & (between <= REFRESH_MAX_S)]


def _knots(block: Series, period_s: float) -> _Knots:
    """One knot where a value is first seen, one where it was certainly refreshed for the last time."""
    first = np.flatnonzero(np.append(True, np.diff(block.v) != 0))
    last = np.append(first[1:] - 1, len(block) - 1)
    seen, confirmed = block.t[first], block.t[last] - period_s
    late = np.minimum(period_s, np.diff(block.t, prepend=block.t[0])[first])
    t = np.column_stack((seen, confirmed)).ravel()
    keep = np.column_stack((np.ones(len(first), bool), confirmed > seen)).ravel()
    v = np.repeat(block.v[first], 2)
    late = np.column_stack((late, np.zeros(len(first)))).ravel()
    return _Knots(t[keep], v[keep], late[keep])


def _hidden(k: _Knots, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Areas [W s] that each segment between knots may hide, and the even part of its change [W].

    A segment is even as far as the slope before or after it, whichever fits worse, explains its change;
    the lateness of the knots is no reason to doubt a slope.
    """
    dt, change = np.diff(k.t), np.diff(k.v)
    slope = change / dt
    misfit = [
        np.abs(change - beside * dt) - np.abs(beside) * k.late[1:]
        for beside in (np.append(0, slope[:-1]), np.append(slope[1:], 0))
        if len(slope)
    ]
    odd = np.clip(np.maximum.reduce(misfit), 0, np.abs(change)) if misfit else np.empty(0)
    inside = (k.t[1:] > start) & (k.t[:-1] < end)
    even = np.sign(change) * (np.abs(change) - odd)
    return (odd * dt / 2)[inside], np.where(inside, even, 0.0)


def _shifts(k: _Knots, even: np.ndarray) -> np.ndarray:
    """Areas [W s] that values seen early or late may shift, for each run of values equally late.

    A rise of the load is such a run while its values come at even distances: source and collector may be
    in step. A distance that differs by half the lateness says that they are not, and starts a new run.
    """
    moving = np.flatnonzero(even)
    if not len(moving):
        return np.empty(0)
    late, distance = k.late[1:][moving], np.diff(k.t)[moving]
    turned = np.diff(np.sign(even[moving])) != 0
    slipped = np.abs(np.diff(distance)) > late[1:] / 2
    run = np.append(0, np.cumsum(turned | slipped))
    return np.bincount(run, np.abs(even[moving]) * late / 2)


def _edges(knots: Sequence[_Knots], cuts: Sequence[tuple[float, float]], refresh: Refresh) -> float:
    """A curve that is late as a whole misses at its ends what it gains at its starts [W s]."""
    ends = [np.interp(cut, k.t, k.v) for k, cut in zip(knots, cuts, strict=True)]
    late = max(float(k.late.max()) for k in knots) + refresh.period_s / 2
    return abs(sum(float(b - a) for a, b in ends)) * late


def _unseen_ends(stretches: Sequence[Series], refresh: Refresh) -> float:
    """What may have changed unseen just before a gap [W s], by the first value after it."""
    return sum(abs(after.v[0] - before.v[-1]) * refresh.period_s for before, after in pairwise(stretches))


def _area(k: _Knots, start: float, end: float) -> float:
    t = np.concatenate(([start], k.t[(k.t > start) & (k.t < end)], [end]))
    return float(np.trapezoid(np.interp(t, k.t, k.v), t))


def _pool(widths: np.ndarray) -> float:
    return float(min(widths.sum(), SIGMAS * np.sqrt((widths**2).sum() / 3)))
