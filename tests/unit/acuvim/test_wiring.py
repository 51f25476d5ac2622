"""Mistakes of wiring, made with phasors and found again.

The oracle is the circuit: voltages and currents as complex numbers, then connected wrongly on purpose.
"""

from __future__ import annotations

import cmath
import math
from itertools import pairwise

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import wiring
from hypothesis import given
from hypothesis import strategies as some

from tests.unit.acuvim.images import load

PHASES = "abc"


def phasor(size: float, lag: float) -> complex:
    return cmath.rect(size, -math.radians(lag))


def circuit(volts=(120.0, 119.0, 121.0), amperes=(10.0, 12.0, 8.0), lags=(25.8, 20.0, 30.0)):
    """Voltages and currents of a load on three phases in their order."""
    v = [phasor(size, 120 * n) for n, size in enumerate(volts)]
    return v, [phasor(size, 120 * n + lag) for n, (size, lag) in enumerate(zip(amperes, lags, strict=True))]


def seen(v: list[complex], i: list[complex]) -> dict[str, float]:
    """What a meter shows that has these at its terminals."""
    values = {f"V{phase}": abs(one) for phase, one in zip(PHASES, v, strict=True)}
    values |= {f"I{phase}": abs(one) for phase, one in zip(PHASES, i, strict=True)}
    values |= {f"P{phase}": (a * b.conjugate()).real for phase, a, b in zip(PHASES, v, i, strict=True)}
    values |= {name: abs(a - b) for name, (a, b) in zip(("Vab", "Vbc", "Vca"), pairwise([*v, v[0]]), strict=True)}
    for name, one in (("Vb", v[1]), ("Vc", v[2]), ("Ia", i[0]), ("Ib", i[1]), ("Ic", i[2])):
        values[f"angle_{name}"] = round(math.degrees(cmath.phase(v[0] / one)) % 360, 1)
    return values


def kinds(values: dict, **settings: str) -> list[str]:
    return [fault.kind for fault in wiring.judge(values, **settings)]


def exchanged(things: list, first: int, second: int) -> list:
    changed = list(things)
    changed[first], changed[second] = things[second], things[first]
    return changed


def turned(i: list[complex], *phases: int) -> list[complex]:
    return [-one if n in phases else one for n, one in enumerate(i)]


VOLTS, AMPERES = circuit()

MISTAKES = {
    "none": (VOLTS, AMPERES, []),
    "a source, not a load": (VOLTS, turned(AMPERES, 0, 1, 2), []),
    "current a turned": (VOLTS, turned(AMPERES, 0), ["reversed_ct"]),
    "currents a and c turned": (VOLTS, turned(AMPERES, 0, 2), ["reversed_ct"]),
    "currents b and c exchanged": (VOLTS, exchanged(AMPERES, 1, 2), ["phase_swap"]),
    "currents a and b exchanged": (VOLTS, exchanged(AMPERES, 0, 1), ["phase_swap"]),
    "currents a and b exchanged, c turned": (VOLTS, turned(exchanged(AMPERES, 0, 1), 2), ["phase_swap", "reversed_ct"]),
    "voltages and currents b and c exchanged": (exchanged(VOLTS, 1, 2), exchanged(AMPERES, 1, 2), ["phase_rotation"]),
    "voltages b and c exchanged": (exchanged(VOLTS, 1, 2), AMPERES, ["phase_rotation", "phase_swap"]),
}


@pytest.mark.parametrize(("v", "i", "found"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(v, i, found):
    assert kinds(seen(v, i)) == found


@pytest.mark.parametrize("phase", range(3))
def test_the_phase_is_named(phase):
    (fault,) = wiring.judge(seen(VOLTS, turned(AMPERES, phase)))

    assert f"current {PHASES[phase]} flows against" in fault.said


def test_without_angles_a_turned_transformer_shows_in_the_sign_of_its_power():
    values = {name: value for name, value in seen(VOLTS, turned(AMPERES, 1)).items() if not name.startswith("angle")}

    assert kinds(values) == ["reversed_ct"]
    assert kinds({**values, "Pb": -values["Pb"]}) == []


@pytest.mark.parametrize(
    ("volts", "shift", "settings", "found"),
    [
        pytest.param(120, 20 + 10j, {"wiring": "3LN 3CT"}, ["missing_neutral"], id="the star point floats"),
        pytest.param(120, 20 + 10j, {}, ["missing_neutral"], id="wiring unknown"),
        pytest.param(120, 20 + 10j, {"wiring": "3LL 3CT"}, [], id="none is wanted"),
        pytest.param(120, 2, {"wiring": "3LN 3CT"}, [], id="it stands where it should"),
    ],
)
def test_a_missing_neutral_moves_the_phase_voltages_only(volts, shift, settings, found):
    v, i = circuit(volts=(volts,) * 3)

    assert kinds(seen([one - shift for one in v], i), **settings) == found


def test_an_unbalanced_source_is_no_missing_neutral():
    v, i = circuit(volts=(120.0, 90.0, 118.0))

    assert kinds(seen(v, i), wiring="3LN 3CT") == []


@pytest.mark.parametrize(
    ("ct", "found"),
    [("200/5", []), ("11/1", []), ("5/5", ["ct_ratio"]), ("200/7", ["ct_ratio"]), ("", [])],
    ids=["as on the label", "full load", "far below the load", "no such transformer", "unknown"],
)
def test_a_ratio_that_cannot_be_is_named(ct, found):
    assert kinds(seen(VOLTS, AMPERES), ct=ct) == found


@pytest.mark.parametrize("values", [load(amperes=0), load(volts=0), {}], ids=["no load", "no voltage", "nothing"])
def test_without_a_load_there_is_no_verdict(values):
    assert wiring.judge(values) is None


def test_one_loaded_phase_of_three_is_not_judged_by_its_angle():
    v, i = circuit(amperes=(10.0, 0.01, 0.01), lags=(0, 100, 200))

    assert kinds(seen(v, i)) == []


@given(
    some.tuples(*[some.floats(60, 400)] * 3),
    some.tuples(*[some.floats(5, 20)] * 3),
    some.floats(-55, 55),
    some.tuples(*[some.floats(-4, 4)] * 3),
)
def test_a_load_of_any_power_factor_that_is_wired_well_is_never_blamed(volts, amperes, lag, differ):
    v, i = circuit(volts, amperes, [lag + one for one in differ])

    assert set(kinds(seen(v, i), wiring="3LL 3CT")) == set()
