"""Energy from power: what was measured, import and export apart, and how long nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from event_service.reports.series import Series, blocks, gap_limit, window

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Energy:
    """`import_wh` and `export_wh` are both positive [Wh, or VAh for apparent power]; times in s."""

    import_wh: float
    export_wh: float
    measured_s: float
    missing_s: float

    @property
    def net_wh(self) -> float:
        return self.import_wh - self.export_wh


def integrate(
    power: Series,
    start: float | None = None,
    end: float | None = None,
    gap: float | None = None,
    fill: str = "linear",
) -> Energy:
    """Integrate power [W] over [start, end] [s], never across a gap.

    The trapezoid rule ("linear"), or left hold ("hold") for a source that keeps silent about unchanged
    values. Without start and end: from the first sample to the last. At a boundary between two samples
    the power is interpolated if they are no further apart than `gap` [s]; else that part is missing.
    """
    if start is None or end is None:
        start, end = (power.t[0], power.t[-1]) if len(power) else (0.0, 0.0)
    gap = gap_limit(power) if gap is None else gap
    parts = [part for block in blocks(power, gap) if len(part := window(block, start, end, fill)) > 1]
    signed = [_split(np.diff(part.t), part.v, fill) for part in parts]
    measured = float(sum(part.t[-1] - part.t[0] for part in parts))
    return Energy(
        import_wh=sum(above for above, _ in signed) / SECONDS_PER_HOUR,
        export_wh=sum(below for _, below in signed) / SECONDS_PER_HOUR,
        measured_s=measured,
        missing_s=max(0.0, end - start - measured),
    )


def _split(dt: np.ndarray, p: np.ndarray, fill: str) -> tuple[float, float]:
    """Areas above and below zero [W s]; a line that crosses zero is cut there."""
    left, right = p[:-1], p[1:] if fill == "linear" else p[:-1]
    crossing = left * right < 0
    both = (left + right) / 2 * dt
    above = np.where(crossing, 0.0, np.maximum(both, 0.0))
    rise = np.where(crossing, np.maximum(left, right), 0.0)
    fall = np.where(crossing, np.minimum(left, right), 0.0)
    span = np.where(crossing, rise - fall, 1.0)
    above = above + rise**2 / (2 * span) * dt
    below = np.where(crossing, fall**2 / (2 * span) * dt, np.maximum(-both, 0.0))
    return float(above.sum()), float(below.sum())
