"""Idle time at the ends is cut, idle time inside is listed, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from event_service.reports.power import power_of
from event_service.reports.series import clean
from event_service.reports.trim import trim


def load(*pieces, step=0.5):
    """A power series of (seconds, watts) pieces from 0 s on."""
    values = np.concatenate([np.full(round(seconds / step), watts) for seconds, watts in pieces])
    return clean(np.arange(len(values)) * step, values.astype(float))


def ends(power):
    found = trim(power, 0.0, float(power.t[-1]))
    return found.start, found.end, found.idle


INNER = load((90, 10), (50, 3000), (70, 0), (50, 3000), (90, 10))
GLITCH = load((90, 1500), (0.5, 100_000), (1200, 1500))


@pytest.mark.parametrize(
    ("power", "start", "end", "idle"),
    [
        pytest.param(load((60, 10), (100, 3000)), 0, 159.5, (), id="59.5 s are too short"),
        pytest.param(load((60.5, 10), (100, 3000)), 60.0, 160.0, (), id="60.0 s are cut"),
        pytest.param(load((100, 3000), (80, 10)), 0, 100.0, (), id="cut at the end"),
        pytest.param(INNER, 89.5, 260.0, ((140.0, 209.5),), id="inside: listed"),
        pytest.param(load((90, 10), (100, -3000)), 89.5, 189.5, (), id="charging is active"),
        pytest.param(load((90, 49), (100, 60)), 89.5, 189.5, (), id="below 50 W whatever the peak"),
        pytest.param(load((90, 51), (100, 60)), 0, 189.5, (), id="51 W of 60 W is no idling"),
        pytest.param(load((90, 190), (100, 10_000)), 89.5, 189.5, (), id="below 2 % of the peak"),
        pytest.param(load((90, 210), (100, 10_000)), 0, 189.5, (), id="above 2 % of the peak"),
        pytest.param(GLITCH, 0, 1290.0, (), id="one glitch raises no threshold"),
    ],
)
def test_trim(power, start, end, idle):
    assert ends(power) == (start, end, idle)


def test_an_idle_event_has_no_active_window():
    found = trim(load((300, 20)), 0.0, 299.5)
    assert (found.start, found.end, found.cut_s) == (None, None, 299.5)


def test_a_gap_is_not_idle():
    power = load((200, 10))
    kept = (power.t < 50) | (power.t > 90)
    power = clean(power.t[kept], power.v[kept])
    loaded = clean(np.append(power.t, np.arange(200, 260, 0.5)), np.append(power.v, np.full(120, 3000.0)))
    assert ends(loaded)[0] == 0
    assert ends(loaded)[2] == ((90.5, 199.5),)


def test_an_idle_run_after_a_gap_is_no_head():
    power = clean(np.arange(100, 300, 0.5), np.where(np.arange(100, 300, 0.5) < 180, 10.0, 3000.0))
    assert trim(power, 0.0, 299.5).start == 0


def test_the_active_average_leaves_idle_time_out():
    power = load((100, 3000), (100, 0), (100, 3000))
    found = power_of(power, 0, 299.5, [(0, 99.5), (200, 299.5)])
    assert found.average_active == pytest.approx(3000)
    assert found.average == pytest.approx(2000, rel=0.01)


def test_peaks_are_named_apart():
    power = load((600, 1000), (0.5, 9000), (600, -200))
    found = power_of(power, 0, power.t[-1], [])
    assert (found.peak, found.peak_at, found.lowest) == (9000, 600, -200)
    assert found.p999 == 1000


def test_the_average_weighs_by_time_and_not_by_samples():
    t = np.concatenate((np.arange(0, 100, 0.1), np.arange(100, 200.5, 1.0)))
    power = clean(t, np.where(t < 100, 0.0, 1000.0))
    assert power_of(power, 0, 200, []).average == pytest.approx(500, rel=0.01)


def test_nothing_measured_gives_no_figures():
    assert power_of(clean(np.empty(0), np.empty(0)), 0, 10, []).average is None
