"""The stated interval holds the true energy, whatever the phase of refreshes and scrapes.

A load is a chain of straight lines, so its true energy is a sum done by hand. A source shows it at its
own refreshes in whole watts, a collector asks that source at its own times. Nothing of the code under test
takes part in making either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_service.reports import interval
from event_service.reports.energy import integrate
from event_service.reports.interval import Refresh
from event_service.reports.series import Series, clean

MARGIN_S = 60.0
TAIL_S = 3.0
EDGE_S = 1e-6


@dataclass(frozen=True)
class Load:
    """Corners of a power curve: times [s] and powers [W]."""

    t: np.ndarray
    p: np.ndarray

    @property
    def end(self) -> float:
        return float(self.t[-1])

    def at(self, t):
        return np.interp(t, self.t, self.p)

    def energy_wh(self, start: float, end: float) -> float:
        """Area under the straight lines between two times, piece by piece."""
        corners = [start, *(t for t in self.t if start < t < end), end]
        powers = [float(self.at(t)) for t in corners]
        pieces = zip(corners[:-1], corners[1:], powers[:-1], powers[1:], strict=True)
        return sum((p0 + p1) / 2 * (t1 - t0) for t0, t1, p0, p1 in pieces) / 3600


def chain(pairs) -> Load:
    t, p = zip(*pairs, strict=True)
    return Load(np.array(t, float), np.array(p, float))


def ramps(rng) -> Load:
    """Up in two ramps and down in one, idle at both ends: 95 s, 5 kW."""
    a, b = 2500 * rng.uniform(0.8, 1.2), 5000 * rng.uniform(0.9, 1.2)
    t = np.cumsum([0, 10, 20, 10, 15, 10, 20, 10])
    return Load(t.astype(float), np.array([20, 20, a, a, b, b, 20, 20]))


def steps(rng) -> Load:
    corners, t, level = [(0.0, 20.0)], 10.0, 20.0
    while t < 110:
        new = rng.choice([500, 1500, 3000, 4500]) * rng.uniform(0.8, 1.2)
        corners += [(t, level), (t + EDGE_S, new)]
        t, level = t + rng.uniform(7, 14), new
    return chain([*corners, (t, level), (t + EDGE_S, 20.0), (t + 10, 20.0)])


def pulses(rng) -> Load:
    """Pulses of 7 s and 20 s, 4 kW."""
    corners, t = [(0.0, 20.0)], 10 + rng.uniform(0, 2)
    for width in (7, 20, 7, 20):
        level = 4000 * rng.uniform(0.8, 1.2)
        corners += [(t, 20.0), (t + EDGE_S, level), (t + width, level), (t + width + EDGE_S, 20.0)]
        t += width + rng.uniform(5, 10)
    return chain([*corners, (t + 10, 20.0)])


def charging(rng) -> Load:
    """Through zero and back: a rig that is charged."""
    low = -3000 * rng.uniform(0.8, 1.2)
    return chain([(0, 1500), (20, 1500), (40, low), (60, low), (80, 1500), (100, 1500)])


def repeated(rng, load, times) -> Load:
    """One load after the other."""
    parts = [load(rng) for _ in range(times)]
    starts = np.cumsum([0, *(part.end + EDGE_S for part in parts[:-1])])
    t = np.concatenate([part.t + start for part, start in zip(parts, starts, strict=True)])
    return Load(t, np.concatenate([part.p for part in parts]))


@dataclass(frozen=True)
class Source:
    """How a source and its collector see a load; times in s, `step` in W."""

    refresh: float = 1.0
    jitter: float = 0.25
    scrape: float = 0.5
    scrape_jitter: float = 0.05
    step: float = 1.0
    lag: float = 0.0
    cut: bool = False


GX = Source()
GX_STEADY = Source(jitter=0.0)
GX_NEARLY_STEADY = Source(jitter=0.02)
GX_SLOW = Source(refresh=2.3, jitter=0.1)
GX_CUTS = Source(cut=True)
GX_LATE = Source(lag=0.5)
METER = Source(refresh=0.1, jitter=0.1, step=0.0)
METER_SLOW = Source(refresh=1.0, jitter=0.02, step=0.0)
SOURCES = {
    "GX": (GX, 2.5),
    "GX in step with the scrapes": (GX_STEADY, 2.5),
    "GX nearly in step": (GX_NEARLY_STEADY, 2.5),
    "GX of 2.3 s": (GX_SLOW, 2.5),
    "GX that cuts off watts": (GX_CUTS, 2.5),
    "GX that is late": (GX_LATE, 2.5),
    "meter of 100 ms": (METER, 1.0),
    "meter known to be of 100 ms": (METER, Refresh(0.11)),
    "meter of 1 s": (METER_SLOW, 1.1),
}


def seen(load: Load, source: Source, rng, start: float, end: float) -> Series:
    """What the collector stores of a load, margins included."""
    first, last = start - MARGIN_S, end + TAIL_S
    count = int((last - first + 20) / (source.refresh * (1 - source.jitter))) + 10
    refreshed = first - 10 + rng.uniform(0, source.refresh)
    refreshed += np.cumsum(source.refresh * (1 + source.jitter * rng.uniform(-1, 1, count)))
    shown = load.at(refreshed - source.lag)
    if source.step:
        shown = (np.floor if source.cut else np.round)(shown / source.step) * source.step
    asked = np.arange(first + rng.uniform(0, source.scrape), last, source.scrape)
    asked = np.round(asked + source.scrape_jitter * rng.uniform(0, 1, len(asked)), 3)
    return clean(asked, shown[np.searchsorted(refreshed, asked, "right") - 1])


def judged(load, source, assumed, rng, start, end):
    """Error of the stated energy and its half-width, both [Wh], and the energy.

    `assumed` is the refresh period [s] to be assumed where none is seen, or a Refresh that is known.
    """
    power = seen(load, source, rng, start, end)
    refresh = assumed if isinstance(assumed, Refresh) else interval.refresh([power], assumed)
    stated = integrate(power, start, end).net_wh
    half = interval.uncertainty(power, start, end, refresh).half
    return stated - load.energy_wh(start, end), half, stated


seeds = st.integers(0, 2**32 - 1)
LOADS = {"ramps": ramps, "steps": steps, "pulses": pulses, "charging": charging}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("load", LOADS)
@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_truth_lies_inside(load, source, seed):
    rng = np.random.default_rng(seed)
    curve = LOADS[load](rng)
    error, half, _ = judged(curve, *SOURCES[source], rng, 0.0, curve.end)
    assert abs(error) <= half


@pytest.mark.parametrize("load", LOADS)
@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_truth_lies_inside_when_the_event_begins_and_ends_under_load(load, seed):
    rng = np.random.default_rng(seed)
    curve = LOADS[load](rng)
    start = rng.uniform(5, curve.end - 40)
    error, half, _ = judged(curve, GX, 2.5, rng, start, rng.uniform(start + 30, curve.end))
    assert abs(error) <= half


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_truth_of_the_measured_part_lies_inside_around_a_gap(seed):
    rng = np.random.default_rng(seed)
    curve = steps(rng)
    power = seen(curve, GX, rng, 0.0, curve.end)
    a = rng.uniform(20, 60)
    kept = (power.t < a) | (power.t > a + 20)
    power = clean(power.t[kept], power.v[kept])
    before, after = power.t[power.t < a][-1], power.t[power.t > a][0]
    truth = curve.energy_wh(0, before) + curve.energy_wh(after, curve.end)
    half = interval.uncertainty(power, 0, curve.end, Refresh(2.5)).half
    assert abs(integrate(power, 0, curve.end).net_wh - truth) <= half


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_truth_lies_inside_for_the_sum_of_phases_read_at_different_moments(seed):
    rng = np.random.default_rng(seed)
    curve, shares = steps(rng), (0.5, 0.3, 0.2)
    phases = [seen(Load(curve.t, curve.p * share), GX, rng, 0.0, curve.end) for share in shares]
    halves = [interval.uncertainty(p, 0, curve.end, interval.refresh([p], 2.5)) for p in phases]
    stated = sum(integrate(p, 0, curve.end).net_wh for p in phases)
    assert abs(stated - curve.energy_wh(0, curve.end)) <= interval.add(halves).half


@pytest.mark.parametrize(
    ("load", "source", "assumed", "percent"),
    [
        pytest.param(ramps, GX, 2.5, 1.7, id="95 s of ramps on a GX"),
        pytest.param(ramps, GX_STEADY, 2.5, 1.7, id="95 s of ramps on a GX in step with the scrapes"),
        pytest.param(lambda rng: repeated(rng, ramps, 8), GX, 2.5, 0.6, id="13 min of ramps on a GX"),
        pytest.param(ramps, METER, Refresh(0.11), 0.5, id="95 s of ramps on a meter of 100 ms"),
        pytest.param(pulses, METER, Refresh(0.11), 4.0, id="pulses on a meter of 100 ms"),
        pytest.param(pulses, GX, 2.5, 16.0, id="pulses on a GX that shows no refresh"),
    ],
)
def test_the_interval_is_no_wider_than_it_must_be(load, source, assumed, percent):
    halves = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        curve = load(rng)
        _, half, stated = judged(curve, source, assumed, rng, 0.0, curve.end)
        halves.append(100 * half / stated)
    assert max(halves) < percent


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_on_ramps_the_energy_is_within_half_a_percent(seed):
    rng = np.random.default_rng(seed)
    curve = repeated(rng, ramps, 2)
    error, _, stated = judged(curve, GX, 2.5, rng, 0.0, curve.end)
    assert abs(error) < 0.005 * stated


@pytest.mark.parametrize(
    ("load", "source", "low", "high"),
    [
        pytest.param(ramps, GX_STEADY, 1.0, 1.1, id="1 s seen on a ramp"),
        pytest.param(ramps, GX_SLOW, 2.2, 2.6, id="2.3 s seen on a ramp"),
        pytest.param(ramps, METER, 0.45, 0.6, id="no faster than it is asked"),
    ],
)
def test_the_refresh_is_seen_while_the_load_moves(load, source, low, high):
    rng = np.random.default_rng(7)
    curve = load(rng)
    found = interval.refresh([seen(curve, source, rng, 0.0, curve.end)], assumed_s=99.0)
    assert low <= found.period_s <= high
    assert found.seen >= 8


@pytest.mark.parametrize("load", [steps, pulses], ids=["steps", "pulses"])
def test_the_refresh_is_assumed_where_the_load_only_jumps(load):
    rng = np.random.default_rng(7)
    curve = load(rng)
    assert interval.refresh([seen(curve, GX, rng, 0.0, curve.end)], assumed_s=2.5) == Refresh(2.5, 0)


def test_a_staircase_is_no_refresh():
    t = np.arange(0, 200, 0.5)
    assert interval.refresh([clean(t, 300 * (t // 10))], assumed_s=2.5) == Refresh(2.5, 0)


def test_another_series_of_the_device_may_show_the_refresh():
    rng = np.random.default_rng(7)
    jumping, moving = steps(rng), ramps(rng)
    found = interval.refresh(
        [seen(jumping, GX, rng, 0, jumping.end), seen(moving, GX, rng, 0, moving.end)], assumed_s=9.0
    )
    assert found.period_s < 2.0


@pytest.mark.parametrize(
    ("values", "step"),
    [
        pytest.param([0, 1200, 1201], 1.0, id="whole watts"),
        pytest.param([0.1, 12.3, 5.0], 0.1, id="tenths"),
        pytest.param([0.25, 12.31], 0.01, id="hundredths"),
        pytest.param([1.0 / 3, 2.0 / 7], 0.0, id="full precision"),
        pytest.param([], 0.0, id="nothing"),
    ],
)
def test_resolution(values, step):
    assert interval.resolution(clean(np.arange(len(values)), np.array(values, float))) == step


def test_a_steady_load_is_as_certain_as_its_rounding():
    power = clean(np.arange(-60, 3664, 0.5), np.full(7448, 1000.0))
    found = interval.uncertainty(power, 0, 3600, Refresh(2.5))
    assert found.resolution == pytest.approx(1.0)
    assert found.half == pytest.approx(1.0)


def test_one_step_may_lie_anywhere_between_two_refreshes():
    t = np.arange(-60, 64, 0.5)
    found = interval.uncertainty(clean(t, np.where(t < 30, 0.0, 3600.0)), 0, 60, Refresh(2.0))
    assert found.hidden == pytest.approx((2.0 + 0.5) / 2)


@pytest.mark.parametrize("count", [0, 1, 2], ids=["no sample", "one sample", "two samples"])
def test_few_samples_are_no_error(count):
    power = clean(np.arange(count), np.full(count, 100.0))
    assert interval.uncertainty(power, 0, 60, Refresh(2.5)).half >= 0
    assert interval.refresh([power], 2.5) == Refresh(2.5)
