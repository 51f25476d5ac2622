"""Energy against exact vectors and integrals done by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_service.reports.energy import integrate
from event_service.reports.series import clean

VECTORS = json.loads((Path(__file__).parent / "data" / "energy_vectors.json").read_text())["energy"]
GENERATED = {
    "const": [(i / 2, 1000.0) for i in range(7201)],
    "ramp linear": [(i, i / 3.6) for i in range(3601)],
    "ramp hold": [(i, i / 3.6) for i in range(3601)],
}


def series(samples):
    t, v = zip(*samples, strict=True)
    return clean(np.array(t, float), np.array(v, float))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    args = dict(vector["args"])
    found = integrate(
        series(GENERATED.get(vector["name"], vector["samples"])),
        args.get("start"),
        args.get("end"),
        gap=args.get("gap"),
        fill=args.get("mode", "linear"),
    )
    expected = vector["expect"]
    assert found.import_wh == pytest.approx(expected["import_wh"], rel=1e-12, abs=1e-12)
    assert found.export_wh == pytest.approx(expected["export_wh"], rel=1e-12, abs=1e-12)
    assert found.missing_s == pytest.approx(expected["missing_s"], abs=1e-9)


def test_a_sine_around_zero_gives_as_much_as_it_takes():
    t = np.arange(0, 3600.5, 0.5)
    found = integrate(clean(t, 1000 * np.sin(2 * np.pi * t / 3600)), 0, 3600)
    half_wave = 1000 / math.pi  # 1/2 * 1000 W * 2/pi over one hour
    assert found.import_wh == pytest.approx(half_wave, rel=1e-6)
    assert found.export_wh == pytest.approx(half_wave, rel=1e-6)


def test_an_exponential_decay_matches_its_integral():
    t = np.arange(0, 600.25, 0.25)
    found = integrate(clean(t, 5000 * np.exp(-t / 120)), 0, 600)
    assert found.import_wh == pytest.approx(5000 * 120 * (1 - math.exp(-5)) / 3600, rel=1e-6)


powers = st.lists(st.floats(-1e5, 1e5), min_size=3, max_size=40)


@settings(deadline=None)
@given(powers)
def test_import_and_export_change_places_with_the_sign(values):
    t = np.arange(len(values), dtype=float)
    there, back = integrate(clean(t, np.array(values))), integrate(clean(t, -np.array(values)))
    assert there.import_wh == pytest.approx(back.export_wh, rel=1e-9, abs=1e-9)
    assert there.export_wh == pytest.approx(back.import_wh, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(powers, st.floats(0.0, 1.0))
def test_two_parts_of_a_window_make_the_whole(values, share):
    power = clean(np.arange(len(values), dtype=float), np.array(values))
    end = float(len(values) - 1)
    whole = integrate(power, 0, end)
    first, second = integrate(power, 0, share * end), integrate(power, share * end, end)
    assert first.import_wh + second.import_wh == pytest.approx(whole.import_wh, rel=1e-9, abs=1e-6)
    assert first.export_wh + second.export_wh == pytest.approx(whole.export_wh, rel=1e-9, abs=1e-6)
    assert first.measured_s + second.measured_s == pytest.approx(whole.measured_s, abs=1e-6)


def test_a_gap_longer_than_the_window_is_missing_and_not_bridged():
    power = series([(-20, 1000.0), (-19, 1000.0), (40, 1000.0), (41, 1000.0)])
    assert integrate(power, 0, 10) == integrate(series([(100, 1.0)]), 0, 10)
    assert integrate(power, 0, 10).missing_s == 10


def test_no_sample_at_all_is_all_missing():
    found = integrate(clean(np.empty(0), np.empty(0)), 0, 60)
    assert (found.import_wh, found.measured_s, found.missing_s) == (0, 0, 60)
