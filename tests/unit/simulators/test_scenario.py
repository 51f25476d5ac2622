"""The truth of a scenario: hand-worked values, and an independent numeric integration of its power."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.scenario import Scenario, ScenarioError

REPO = Path(__file__).parents[3]
SCENARIOS = REPO / "simulators" / "scenarios"
SHIPPED = ("ramps", "steps", "pulses")
RIG = {
    "kind": "gx",
    "scale": 1,
    "phase_shares": [0.5, 0.25, 0.25],
    "voltage_v": 230,
    "frequency_hz": 50,
    "power_factor": 0.9,
}
HOUR = 3600


def write(folder: Path, **changes) -> Path:
    content = {
        "repeat": False,
        "start_w": 0,
        "pieces": [{"kind": "hold", "seconds": 1}],
        "systems": {"rig_01": RIG},
        **changes,
    }
    path = folder / "load.json"
    path.write_text(json.dumps(content))
    return path


def load(folder: Path, *pieces: dict, **changes) -> Scenario:
    return Scenario.load(write(folder, pieces=list(pieces), **changes))


def numeric_wh(scenario: Scenario, system_id: str, start_s: float, end_s: float, step_s: float = 0.002) -> float:
    """Midpoint sums of the power, which know nothing of pieces."""
    count = max(1, round((end_s - start_s) / step_s))
    step_s = (end_s - start_s) / count
    return sum(scenario.power_w(system_id, start_s + (i + 0.5) * step_s) for i in range(count)) * step_s / 3600


@pytest.mark.parametrize(
    ("pieces", "window", "expected_wh"),
    [
        pytest.param([{"kind": "step", "to_w": 1000, "seconds": HOUR}], (0, HOUR), 1000, id="1 kW for an hour"),
        pytest.param([{"kind": "ramp", "to_w": 1000, "seconds": HOUR}], (0, HOUR), 500, id="ramp 0 to 1 kW"),
        pytest.param([{"kind": "ramp", "to_w": 1000, "seconds": HOUR}], (0, HOUR / 2), 125, id="half of that ramp"),
        pytest.param(
            [{"kind": "pulses", "to_w": 3600, "on_s": 7, "off_s": 20, "count": 3}], (0, 81), 21, id="three 7 s pulses"
        ),
        pytest.param(
            [{"kind": "pulses", "to_w": 3600, "on_s": 7, "off_s": 20, "count": 3}], (5, 30), 5, id="parts of two pulses"
        ),
        pytest.param(
            [{"kind": "hold", "seconds": 10}, {"kind": "step", "to_w": 1000, "seconds": 10}],
            (0, 20),
            2.7777777777777777,
            id="a step after 10 s",
        ),
    ],
)
def test_energy_is_what_a_hand_works_out(tmp_path, pieces, window, expected_wh):
    assert load(tmp_path, *pieces).energy_wh("rig_01", *window) == pytest.approx(expected_wh, rel=1e-12)


def test_scale_is_the_part_that_a_system_sees(tmp_path):
    scenario = load(
        tmp_path,
        {"kind": "step", "to_w": 1000, "seconds": HOUR},
        systems={"rig_01": RIG, "acuvim_11": {**RIG, "kind": "acuvim", "scale": 0.25}},
    )
    assert scenario.energy_wh("acuvim_11", 0, HOUR) == pytest.approx(250)


def test_a_repeating_scenario_is_periodic_for_all_time(tmp_path):
    scenario = load(tmp_path, {"kind": "ramp", "to_w": 3600, "seconds": 10}, repeat=True)
    assert scenario.energy_wh("rig_01", -30, 45) == pytest.approx(7 * 5 + 1.25)
    assert scenario.power_w("rig_01", -8) == pytest.approx(720)
    assert scenario.power_w("rig_01", 1_000_002) == pytest.approx(720)


def test_a_single_scenario_keeps_its_first_and_last_levels(tmp_path):
    scenario = load(tmp_path, {"kind": "ramp", "to_w": 7200, "seconds": 10}, start_w=3600)
    assert (scenario.power_w("rig_01", -100), scenario.power_w("rig_01", 100)) == (3600, 7200)
    assert scenario.energy_wh("rig_01", -5, 15) == pytest.approx(5 + 15 + 10)


@pytest.mark.parametrize("name", SHIPPED)
@settings(max_examples=15, deadline=None)
@given(start_s=st.floats(-200, 400), length_s=st.floats(0.5, 60), seed=st.none() | st.integers(0, 10**9))
def test_energy_is_the_integral_of_power_in_any_window(name, start_s, length_s, seed):
    scenario = Scenario.load(SCENARIOS / f"{name}.json", seed)
    truth = scenario.energy_wh("acuvim_11", start_s, start_s + length_s)
    assert truth == pytest.approx(numeric_wh(scenario, "acuvim_11", start_s, start_s + length_s), abs=0.02, rel=1e-4)


@given(moments=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_energies_of_adjoining_windows_add_up(moments):
    scenario = Scenario.load(SCENARIOS / "pulses.json", seed=3)
    first, middle, last = moments
    parts = scenario.energy_wh("rig_01", first, middle) + scenario.energy_wh("rig_01", middle, last)
    assert parts == pytest.approx(scenario.energy_wh("rig_01", first, last), abs=1e-6)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_same_seed_gives_the_same_energy_and_another_a_clearly_different_one(name):
    path = SCENARIOS / f"{name}.json"
    first, again, second = (Scenario.load(path, seed).energy_wh("rig_01", 0, 90) for seed in (1, 1, 2))
    assert first == again
    assert abs(second / first - 1) > 0.05


@pytest.mark.parametrize("seed", [None, 1, 2, 3, 17, 2026])
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_peaks_at_kilowatts_between_ends_that_are_idle(name, seed):
    scenario = Scenario.load(SCENARIOS / f"{name}.json", seed)
    powers = [scenario.power_w("rig_01", i / 10) for i in range(round(scenario.cycle_s * 10))]
    assert max(powers) > 4000
    assert min(powers) > 0
    assert max(powers[:70]) < 50
    assert max(powers[-50:]) < 50


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"start_w": -5}, "load.json: start_w is -5: give a number, 0 or more", id="negative level"),
        pytest.param({"start_w": True}, "start_w is True", id="a truth value is no number"),
        pytest.param({"pieces": []}, "pieces and systems must not be empty", id="no pieces"),
        pytest.param({"pieces": [7]}, "pieces[0] is 7: give an object", id="a piece that is none"),
        pytest.param({"pieces": [{"kind": "jump"}]}, "kind is 'jump': give one of hold, ramp, step, pulses", id="kind"),
        pytest.param({"pieces": [{"kind": ["hold"]}]}, "kind is ['hold']: give one of", id="a list as kind"),
        pytest.param(
            {"pieces": [{"kind": "ramp", "to_w": 5, "seconds": 0}]}, "seconds is 0: give a number above 0", id="0 s"
        ),
        pytest.param({"pieces": [{"kind": "hold", "second": 3}]}, "second is not known: use kind, seconds", id="typo"),
        pytest.param(
            {"pieces": [{"kind": "pulses", "to_w": 5, "on_s": 1, "off_s": 1, "count": 1.5}]},
            "count is 1.5: give a whole number",
            id="half a pulse",
        ),
        pytest.param({"repeat": "yes"}, "repeat is 'yes': give true or false", id="repeat as text"),
        pytest.param(
            {"systems": {"rig_01": {**RIG, "phase_shares": [0.5, 0.6, 0.1]}}},
            "systems.rig_01: phase_shares is [0.5, 0.6, 0.1]: give three numbers that add up to 1",
            id="shares of 120 %",
        ),
        pytest.param(
            {"systems": {"rig_01": {**RIG, "power_factor": 1.2}}}, "power_factor is 1.2: give a number", id="pf > 1"
        ),
    ],
)
def test_a_wrong_file_is_refused_with_field_value_and_remedy(tmp_path, changes, said):
    with pytest.raises(ScenarioError) as refused:
        Scenario.load(write(tmp_path, **changes))
    assert said in str(refused.value)


def test_an_unknown_system_is_refused_with_those_that_exist(tmp_path):
    with pytest.raises(ScenarioError, match="no system 'rig_02': use one of rig_01"):
        load(tmp_path, {"kind": "hold", "seconds": 1}).energy_wh("rig_02", 0, 1)


def truth_command(*options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "simulators.scenario", *options]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)


def test_the_command_prints_the_energy_between_two_moments(tmp_path):
    path = write(tmp_path, pieces=[{"kind": "step", "to_w": 1000, "seconds": 60}])
    epoch = 1_764_000_000_000_000_000
    moments = [f"--epoch={epoch}", f"--start={epoch + 18 * 10**9}", f"--end={epoch + 54 * 10**9}"]
    assert float(truth_command(str(path), "--system=rig_01", *moments).stdout) == pytest.approx(10, rel=1e-12)


def test_the_command_refuses_a_missing_file_with_a_sentence():
    done = truth_command("nowhere.json", "--system=rig_01", "--epoch=0", "--start=0", "--end=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr.strip()
        == "nowhere.json: cannot be read (No such file or directory); give the path of a scenario file"
    )
