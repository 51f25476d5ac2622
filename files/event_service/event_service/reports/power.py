"""What the power did: peaks with their names and times, averages weighted by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from event_service.reports.energy import SECONDS_PER_HOUR, integrate
from event_service.reports.series import Series, gap_limit


@dataclass(frozen=True)
class Power:
    """All in W, or VA for apparent power; times in s. None where nothing was measured.

    `peak` is the single sample furthest from zero, `p999` the |power| that all but 0.1 % of samples stay
    below; `average` covers the measured time, `average_active` leaves idle runs out of it.
    """

    peak: float | None = None
    peak_at: float | None = None
    p999: float | None = None
    lowest: float | None = None
    average: float | None = None
    average_active: float | None = None


def power_of(series: Series, start: float, end: float, active: Sequence[tuple[float, float]]) -> Power:
    """Figures for [start, end] [s]; `active` are the parts that were not idle."""
    inside = series.between(start, end)
    if not len(inside):
        return Power()
    at = int(np.argmax(np.abs(inside.v)))
    return Power(
        peak=float(inside.v[at]),
        peak_at=float(inside.t[at]),
        p999=float(np.quantile(np.abs(inside.v), 0.999)),
        lowest=float(inside.v.min()),
        average=_average(series, [(start, end)]),
        average_active=_average(series, active),
    )


def _average(series: Series, parts: Sequence[tuple[float, float]]) -> float | None:
    gap = gap_limit(series)
    energies = [integrate(series, a, b, gap) for a, b in parts]
    seconds = sum(energy.measured_s for energy in energies)
    return sum(energy.net_wh for energy in energies) * SECONDS_PER_HOUR / seconds if seconds else None
