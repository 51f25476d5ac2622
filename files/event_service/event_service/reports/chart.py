"""The power of one system over its event as inline SVG: line, band, gaps, idle time, notes.

Every peak shows: a bucket of samples is drawn as its mean with a band from its lowest to its highest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from event_service.reports.series import Series, blocks, gap_limit

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 14, 52, 44
BUCKETS = 1000
PHASE_BUCKETS = 300
X_TICKS, Y_TICKS = 7, 5
X_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True)
class Bucket:
    """Samples of a stretch without a gap, by buckets: times [s], mean, lowest and highest value."""

    t: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Plot:
    """What is drawn. Times in s from the left edge; `notes` are numbers and times; `clock` labels a time."""

    power: Series
    end: float
    phases: Mapping[str, Series]
    gaps: Sequence[tuple[float, float]]
    idle: Sequence[tuple[float, float]]
    notes: Sequence[tuple[int, float]]
    clock: Callable[[float], str]
    day_second: float
    unit: str = "W"


def draw(plot: Plot, name: str, title: str, summary: str) -> str:
    """The chart as an SVG element. `name` makes its ids unique in the page."""
    scale = _Scale(plot)
    shapes = [
        *(_rect(scale, a, b, "idle") for a, b in plot.idle),
        *(_rect(scale, a, b, "gap", f' fill="url(#{name}-hatch)"') for a, b in plot.gaps),
        *_y_axis(scale, plot.unit),
        *_x_axis(scale, plot),
        *_phase_lines(scale, plot),
        *_power(scale, plot),
        *(_marker(scale, number, t) for number, t in plot.notes),
    ]
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(summary)}</desc>'
        f'<defs><pattern id="{name}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="hatch" d="M0 0V7"/></pattern></defs>'
        f"{''.join(shapes)}</svg>"
    )


def decimate(series: Series, start: float, end: float, count: int) -> list[Bucket]:
    """At most about `count` buckets over [start, end] [s], one list entry for each gapless stretch."""
    inside = series.between(start, end)
    width = (end - start) / count if end > start else 1.0
    return [_buckets(block, start, width) for block in blocks(inside, gap_limit(series))]


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that divides `span` into no more than `count` parts."""
    rough = span / count
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9)))


def _buckets(block: Series, start: float, width: float) -> Bucket:
    index = np.floor((block.t - start) / width)
    first = np.flatnonzero(np.append(True, np.diff(index) != 0))
    count = np.diff(np.append(first, len(block)))
    return Bucket(
        np.add.reduceat(block.t, first) / count,
        np.add.reduceat(block.v, first) / count,
        np.minimum.reduceat(block.v, first),
        np.maximum.reduceat(block.v, first),
    )


class _Scale:
    """From seconds and watts to places in the picture; the range always holds zero."""

    def __init__(self, plot: Plot):
        shown = [s.between(0, plot.end).v for s in (plot.power, *plot.phases.values())]
        values = np.concatenate([*shown, [0.0]])
        low, high = float(values.min()), float(values.max())
        self.step = nice_step((high - low) or 100.0, Y_TICKS)
        self.low = np.floor(low / self.step) * self.step
        self.high = max(np.ceil(high / self.step) * self.step, self.low + self.step)
        self.seconds = plot.end or 1.0

    def x(self, t):
        return LEFT + np.clip(np.asarray(t) / self.seconds, 0, 1) * (WIDTH - LEFT - RIGHT)

    def y(self, v):
        share = (np.asarray(v) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def path(self, t, v) -> str:
        return "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(self.x(t), self.y(v), strict=True))


def _power(scale: _Scale, plot: Plot) -> list[str]:
    shapes = []
    for bucket in decimate(plot.power, 0.0, plot.end, BUCKETS):
        if np.any(bucket.high > bucket.low):
            band = scale.path(
                np.concatenate((bucket.t, bucket.t[::-1])), np.concatenate((bucket.high, bucket.low[::-1]))
            )
            shapes.append(f'<path class="band" d="M{band}Z"/>')
        shapes.append(_line(scale, bucket, "power"))
    return shapes


def _phase_lines(scale: _Scale, plot: Plot) -> list[str]:
    if len(plot.phases) < 2:
        return []
    return [
        _line(scale, bucket, f"phase phase{number}")
        for number, series in enumerate(plot.phases.values(), 1)
        for bucket in decimate(series, 0.0, plot.end, PHASE_BUCKETS)
    ]


def _line(scale: _Scale, bucket: Bucket, kind: str) -> str:
    if len(bucket.t) == 1:
        return f'<circle class="{kind} dot" cx="{scale.x(bucket.t[0]):.1f}" cy="{scale.y(bucket.mean[0]):.1f}" r="3"/>'
    return f'<path class="{kind}" d="M{scale.path(bucket.t, bucket.mean)}"/>'


def _rect(scale: _Scale, start: float, end: float, kind: str, more: str = "") -> str:
    x, width = scale.x(start), max(scale.x(end) - scale.x(start), 1.0)
    return f'<rect class="{kind}" x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}"{more}/>'


def _y_axis(scale: _Scale, unit: str) -> list[str]:
    thousands = max(abs(scale.low), abs(scale.high)) >= 1000
    divisor, shown = (1000, f"k{unit}") if thousands else (1, unit)
    shapes = [f'<text class="unit" x="{LEFT - 8}" y="20" text-anchor="end">{shown}</text>']
    for value in np.arange(scale.low, scale.high + scale.step / 2, scale.step):
        y, kind = scale.y(value), "zero" if abs(value) < scale.step / 2 else "grid"
        label = f"{value / divisor:g}".replace("-", "−")
        shapes.append(f'<path class="{kind}" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        shapes.append(f'<text x="{LEFT - 8}" y="{y + 5:.1f}" text-anchor="end">{label}</text>')
    return shapes


def _x_axis(scale: _Scale, plot: Plot) -> list[str]:
    """Ticks at round times of the local day; every second label may be hidden on a narrow screen."""
    step = next((s for s in X_STEPS_S if plot.end / s <= X_TICKS), 86400 * np.ceil(plot.end / 86400 / X_TICKS))
    first = -plot.day_second % step
    shapes = []
    for number, t in enumerate(np.arange(first, plot.end + 1e-9, step)):
        x, kind = scale.x(t), "more" if number % 2 else "main"
        anchor = "end" if x > WIDTH - RIGHT - 24 else "middle"
        shapes.append(f'<path class="tick" d="M{x:.1f} {HEIGHT - BOTTOM}v5"/>')
        shapes.append(
            f'<text class="{kind}" x="{x:.1f}" y="{HEIGHT - BOTTOM + 28}" text-anchor="{anchor}">'
            f"{escape(plot.clock(float(t)))}</text>"
        )
    return shapes


def _marker(scale: _Scale, number: int, t: float) -> str:
    x = scale.x(t)
    return (
        f'<g class="note"><path d="M{x:.1f} {TOP - 8}V{HEIGHT - BOTTOM}"/>'
        f'<circle cx="{x:.1f}" cy="{TOP - 18}" r="11"/>'
        f'<text x="{x:.1f}" y="{TOP - 18}" text-anchor="middle" dominant-baseline="central">{number}</text></g>'
    )
