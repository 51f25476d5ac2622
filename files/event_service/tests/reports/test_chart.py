"""The chart keeps every peak, breaks at gaps, and is well-formed whatever it is given."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from event_service.reports import chart
from event_service.reports.series import EMPTY, clean

SVG = "{http://www.w3.org/2000/svg}"


def plot(power, end=600.0, **changes):
    settings = {"phases": {}, "gaps": (), "idle": (), "notes": (), "clock": lambda t: f"{t:g}", "day_second": 0.0}
    return chart.Plot(power=power, end=end, **{**settings, **changes})


def drawn(*args, **kwargs):
    text = chart.draw(plot(*args, **kwargs), "c1", "Power of <rig>", "Highest & lowest")
    return ElementTree.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def of_class(svg, name):
    return [element for element in svg.iter() if name in element.get("class", "").split()]


def test_one_sample_among_a_day_of_them_still_shows():
    t = np.arange(0, 86400, 0.5)
    v = np.full(len(t), 100.0)
    v[77_777] = 9_000.0
    buckets = chart.decimate(clean(t, v), 0, 86400, 1000)
    assert max(bucket.high.max() for bucket in buckets) == 9_000
    assert sum(len(bucket.t) for bucket in buckets) <= 1001
    assert np.mean(buckets[0].mean) == pytest.approx(v.mean(), rel=1e-3)


def test_the_line_breaks_at_a_gap():
    t = np.concatenate((np.arange(0, 100, 0.5), np.arange(150, 600, 0.5)))
    svg = drawn(clean(t, np.sin(t) * 1000), gaps=[(99.5, 150.0)])
    assert len(of_class(svg, "power")) == 2
    assert len(of_class(svg, "gap")) == 1


def test_notes_are_numbered_where_they_belong():
    svg = drawn(clean(np.arange(601.0), np.ones(601)), notes=[(1, 0.0), (2, 300.0), (12, 600.0)])
    marks = of_class(svg, "note")
    assert ["".join(mark.itertext()) for mark in marks] == ["1", "2", "12"]
    places = [float(mark.find(f"{SVG}circle").get("cx")) for mark in marks]
    right = chart.WIDTH - chart.RIGHT
    assert places == [chart.LEFT, pytest.approx((chart.LEFT + right) / 2, abs=0.1), right]


def test_each_phase_has_a_line():
    t = np.arange(601.0)
    phases = {phase: clean(t, np.full(601, 100.0 * n)) for n, phase in enumerate(("L1", "L2", "L3"), 1)}
    svg = drawn(clean(t, np.full(601, 600.0)), phases=phases)
    assert [len(of_class(svg, f"phase{n}")) for n in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("power", "end"),
    [
        pytest.param(EMPTY, 600.0, id="no sample"),
        pytest.param(clean(np.array([5.0]), np.array([700.0])), 600.0, id="one sample"),
        pytest.param(clean(np.arange(601.0), np.zeros(601)), 600.0, id="all zero"),
        pytest.param(clean(np.arange(601.0), np.full(601, -4000.0)), 600.0, id="all negative"),
        pytest.param(clean(np.arange(601.0), np.full(601, 0.001)), 600.0, id="next to nothing"),
        pytest.param(clean(np.arange(601.0), np.full(601, 1e9)), 600.0, id="a glitch of a gigawatt"),
        pytest.param(clean(np.array([0.0, 1.0]), np.array([1.0, 2.0])), 0.0, id="an event of no length"),
        pytest.param(clean(np.arange(0, 40 * 86400, 600.0), np.ones(5760)), 40 * 86400.0, id="forty days"),
    ],
)
def test_whatever_it_is_given_it_stays_a_picture(power, end):
    svg = drawn(power, end=end, idle=[(0.0, end)])
    assert svg.find(f"{SVG}title").text == "Power of <rig>"
    assert svg.find(f"{SVG}desc").text == "Highest & lowest"
    text = ElementTree.tostring(svg).decode()
    assert "nan" not in text
    assert "inf" not in text
    assert len(of_class(svg, "tick")) <= chart.X_TICKS + 1


@pytest.mark.parametrize(("span", "step"), [(5200, 2000), (100, 20), (7, 2), (10_000, 2000), (0.5, 0.1)])
def test_steps_are_round(span, step):
    assert chart.nice_step(span, 5) == pytest.approx(step)


def test_ticks_lie_on_round_local_times():
    labels = []
    drawn(clean(np.arange(601.0), np.ones(601)), clock=lambda t: labels.append(t) or "", day_second=7 * 3600 + 42)
    assert [(t + 42) % 120 for t in labels] == [0] * len(labels)
