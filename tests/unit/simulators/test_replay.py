"""A scenario on a virtual clock: series as a rig's VictoriaMetrics would hold them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from simulators.gx.rig import Rig
from simulators.gx.vebus import vebus
from simulators.replay import series
from simulators.scenario import Scenario

SCENARIOS = Path(__file__).parents[3] / "simulators" / "scenarios"
SHIPPED = ("ramps", "steps", "pulses")


def load(name: str, seed: int = 1) -> Scenario:
    return Scenario.load(SCENARIOS / f"{name}.json", seed)


def by_name(*arguments, **options) -> dict[str, tuple]:
    return {labels["__name__"]: (labels, times, values) for labels, times, values in series(*arguments, **options)}


def trapezoid_wh(times_ms: list[int], values: list[float]) -> float:
    samples = zip(times_ms, values, strict=True)
    return sum((first + second) / 2 * (end - start) for (start, first), (end, second) in pairwise(samples)) / 3.6e6


def test_a_rig_has_the_names_and_labels_of_the_field():
    rig = by_name(load("ramps"), "rig_01", 0, 10)
    assert rig["victron_ac_out_power"][0] == {
        "__name__": "victron_ac_out_power",
        "system_id": "rig_01",
        "group": "ac_out",
        "name": "power",
    }
    assert rig["victron_ac_out_l2_v"][0]["phase"] == "L2"
    assert {f"victron_ac_out_l{n}_{quantity}" for n in (1, 2, 3) for quantity in "vipsf"} <= rig.keys()


def test_a_meter_has_exactly_the_labels_of_a_meter():
    meter = by_name(load("ramps"), "acuvim_12", 0, 10)
    assert len(meter) == 30
    assert {frozenset(labels) for labels, _, _ in meter.values()} == {
        frozenset(("__name__", "system_id", "device", "ip", "role"))
    }
    assert meter["acuvim_P"][0]["system_id"] == "acuvim_12"


def test_samples_lie_within_the_window_at_the_scrape_interval_and_count_from_the_epoch():
    epoch_ns = 1_764_000_000_123_000_000
    _, times, values = by_name(load("ramps"), "rig_01", 20, 50, epoch_ns=epoch_ns)["victron_ac_out_power"]
    assert len(times) == len(values) == 60
    assert 1_764_000_020_123 <= times[0] <= times[-1] <= 1_764_000_050_123
    assert {later - earlier for earlier, later in pairwise(times)} <= {499, 500, 501}


def test_a_rig_is_replayed_as_its_device_shows_it():
    scenario = load("pulses")
    device = vebus(Rig(scenario, "rig_01"))
    _, times, values = by_name(scenario, "rig_01", 0, 40)["victron_ac_out_l3_p"]
    assert values == [device.shown("/Ac/Out/L3/P", time_ms / 1000) for time_ms in times]


@pytest.mark.parametrize("seed", range(1, 9))
def test_sampled_energy_is_near_the_truth_on_ramps(seed):
    scenario = load("ramps", seed)
    for system_id, metric in (("rig_01", "victron_ac_out_power"), ("acuvim_11", "acuvim_P")):
        _, times, values = by_name(scenario, system_id, 0, 90)[metric]
        truth_wh = scenario.energy_wh(system_id, times[0] / 1000, times[-1] / 1000)
        assert trapezoid_wh(times, values) == pytest.approx(truth_wh, rel=0.005)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_meters_phases_add_up_to_its_total_in_every_sample(name):
    meter = by_name(load(name), "acuvim_11", -5, 30, 1.0)
    phases = zip(*(meter[f"acuvim_P{phase}"][2] for phase in "abc"), strict=True)
    assert [sum(values) for values in phases] == pytest.approx(meter["acuvim_P"][2], rel=1e-5)
