"""What the GX's tables show, without a bus: the truth of the scenario at the moment of the last reading."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.gx.device import Device
from simulators.gx.rig import Rig
from simulators.gx.services import devices
from simulators.refresh import Refresh
from simulators.scenario import Scenario

HERE = Path(__file__).parent
RAMPS = HERE.parents[2] / "simulators" / "scenarios" / "ramps.json"
FIELD_PATHS = [line.split() for line in (HERE / "field_paths.txt").read_text().splitlines() if not line.startswith("#")]
STEEPEST_W_PER_S = 700  # of ramps.json, with every seed


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario.load(RAMPS, seed=1)


@pytest.fixture(scope="module")
def by_class(scenario) -> dict[str, Device]:
    return {device.name.split(".")[2]: device for device in devices(Rig(scenario, "rig_01"))}


@pytest.fixture(scope="module")
def vebus(by_class) -> Device:
    return by_class["vebus"]


@pytest.mark.parametrize(("service", "path"), FIELD_PATHS, ids=[" ".join(row) for row in FIELD_PATHS])
def test_every_path_that_a_field_map_reads_exists(by_class, service, path):
    assert path in by_class[service].items


def test_a_multi_shows_many_paths_and_a_third_of_them_invalid(vebus):
    invalid = [path for path in vebus.items if vebus.shown(path, 30.0) is None]
    assert len(vebus.items) > 200
    assert 50 < len(invalid) < 100


@given(t_s=st.floats(0, 90))
def test_power_is_the_truth_of_about_the_last_second_in_whole_watts(scenario, vebus, t_s):
    shown = vebus.shown("/Ac/Out/P", t_s)
    assert isinstance(shown, int)
    recent = [scenario.power_w("rig_01", t_s - back / 100) for back in range(120)]
    between = 0.5 + STEEPEST_W_PER_S / 100
    assert min(recent) - between <= shown <= max(recent) + between


@given(t_s=st.floats(0, 90))
def test_phases_are_read_at_other_moments_than_the_total_but_never_far_apart(vebus, t_s):
    phases = sum(vebus.shown(f"/Ac/Out/L{n}/P", t_s) for n in (1, 2, 3))
    assert abs(phases - vebus.shown("/Ac/Out/P", t_s)) < 1.2 * STEEPEST_W_PER_S


def test_on_a_ramp_the_sum_of_phases_differs_from_the_total(vebus):
    on_ramp = [8 + i / 2 for i in range(26)]
    differences = [
        sum(vebus.shown(f"/Ac/Out/L{n}/P", t_s) for n in (1, 2, 3)) - vebus.shown("/Ac/Out/P", t_s) for t_s in on_ramp
    ]
    assert max(differences) - min(differences) > 50


def test_what_is_shown_over_whole_cycles_averages_to_the_truth(scenario, vebus):
    for path, share in (("/Ac/Out/P", 1.0), ("/Ac/Out/L1/P", 0.42), ("/Ac/Out/L3/P", 0.25)):
        shown = [vebus.shown(path, i * 0.5) for i in range(180 * 5)]
        truth_w = share * scenario.energy_wh("rig_01", 0, 450) * 3600 / 450
        assert sum(shown) / len(shown) == pytest.approx(truth_w, rel=0.003)


def test_volts_amperes_and_apparent_power_of_a_phase_belong_together(vebus):
    v, i, p, s = (vebus.shown(f"/Ac/Out/L2/{name}", 33.0) for name in "VIPS")
    assert s == pytest.approx(v * i, abs=2)
    assert p == pytest.approx(0.96 * s, abs=2)


def test_the_system_service_shows_what_the_inverters_showed(by_class, vebus):
    system = by_class["system"]
    t_s = system.groups["now"].last(25.0)
    assert system.shown("/Ac/ConsumptionOnOutput/L1/Power", t_s) == vebus.shown("/Ac/Out/L1/P", t_s)


def test_delivered_energy_counts_up_from_the_epoch(scenario, vebus):
    assert vebus.shown("/Energy/InverterToAcOut", 0.0) == 0
    hour = vebus.shown("/Energy/InverterToAcOut", 3600.0)
    assert hour == pytest.approx(scenario.energy_wh("rig_01", 0, 3600) / 1000, rel=0.01)


SCHEDULES = st.builds(
    Refresh,
    period_s=st.floats(0.1, 60),
    key=st.text(max_size=5),
    phase=st.floats(0, 2),
    jitter=st.floats(0, 0.5),
)


@given(schedule=SCHEDULES, t_s=st.floats(-1000, 1e6))
def test_a_schedule_has_one_moment_a_period_and_none_between_last_and_next(schedule, t_s):
    last, following = schedule.last(t_s), schedule.next(t_s)
    assert last <= t_s < following
    assert 0.49 * schedule.period_s <= following - last <= 1.51 * schedule.period_s
    assert schedule.last(following) == following
    assert schedule.next(last) == following


def test_schedules_of_two_keys_are_jittered_apart():
    one, other = Refresh(1.0, "one"), Refresh(1.0, "other")
    assert {one.last(t_s) for t_s in range(1, 20)}.isdisjoint(other.last(t_s) for t_s in range(1, 20))
