"""The simulated GX on a real dbus-daemon, seen by a client that shares no code with it."""

from __future__ import annotations

import json
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from simulators.gx.control import ask
from simulators.gx.rig import Rig
from simulators.gx.vebus import vebus
from simulators.scenario import Scenario
from tests.parts import dbus
from tests.parts.process import Process, wait_until

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
REPO = HERE.parents[2]
RAMPS = REPO / "simulators" / "scenarios" / "ramps.json"
VEBUS = "com.victronenergy.vebus.ttyS4"
BATTERY = "com.victronenergy.battery.ttyS5"
GPS = "com.victronenergy.gps.ve_ttyUSB0"
SLOPE_W_PER_S = 10
LOAD = {
    "repeat": False,
    "start_w": 1000,
    "pieces": [{"kind": "ramp", "to_w": 1000 + SLOPE_W_PER_S * 600, "seconds": 600}],
    "systems": {
        "rig_01": {
            "kind": "gx",
            "scale": 1,
            "phase_shares": [0.5, 0.3, 0.2],
            "voltage_v": 230,
            "frequency_hz": 50,
            "power_factor": 0.9,
        }
    },
}


class Gx(Process):
    """The simulator as a program, its control socket and what a client sees of it."""

    def __init__(self, folder: Path, bus: dbus.Bus, *options: str):
        self.bus = bus
        self.epoch_ns = time.time_ns()
        self.control = folder / "control.sock"
        self.load = folder / "load.json"
        self.load.write_text(json.dumps(LOAD))
        super().__init__(
            [
                *(dbus.PYTHON, "-m", "simulators.gx", f"--scenario={self.load}", f"--epoch={self.epoch_ns}"),
                *(f"--bus={bus.address}", f"--control={self.control}", *options),
            ],
            folder / "gx.log",
            cwd=REPO,
        )
        self.wait_ready(lambda: "services of rig_01" in self.tail())

    def ask(self, command: str) -> str:
        return ask(str(self.control), command)

    def see(self, *words: str):
        """What the client prints for a command."""
        done = subprocess.run(
            [dbus.PYTHON, HERE / "bus_client.py", *words], env=self.bus.env, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    def value(self, name: str, path: str):
        return self.see("get", name, path)["value"]


@pytest.fixture(scope="module")
def gx(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gx")
    with dbus.system_bus(folder) as bus:
        process = Gx(folder, bus)
        yield process
        process.stop()


@pytest.fixture
def frozen(gx):
    """Values that stand still, so that two ways to read them can be compared."""
    gx.ask(f"freeze {VEBUS}")
    yield gx
    gx.ask(f"thaw {VEBUS}")


@pytest.fixture(scope="module")
def watched(gx):
    """All VE.Bus signals while the total changed eight times."""
    before = gx.value(VEBUS, "/Ac/Out/S")
    signals = gx.see("watch", VEBUS, "/Ac/Out/P", "8")
    return before, signals, gx.value(VEBUS, "/Ac/Out/S")


def when_changed(signals: list[dict], path: str) -> list[int]:
    return [signal["ns"] for signal in signals if path in signal["changes"]]


def test_the_root_value_and_the_items_say_the_same(frozen):
    values, items = frozen.value(VEBUS, "/"), frozen.see("items", VEBUS)
    assert {f"/{path}": value for path, value in values.items()} == {
        path: item["Value"] for path, item in items.items()
    }
    assert items["/Ac/Out/P"]["Text"] == f"{values['Ac/Out/P']}W"


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("/Ac/Out/P", "i"),
        ("/Ac/Out/L2/V", "d"),
        ("/State", "u"),
        ("/DeviceInstance", "q"),
        ("/ProductName", "s"),
        ("/Devices/0/Assistants", "ay"),
        ("/Ac/ActiveIn/L1/F", "ai"),
    ],
)
def test_a_path_answers_with_its_type_what_the_root_says(frozen, path, type):
    seen = frozen.see("get", VEBUS, path)
    assert seen == {"type": type, "value": frozen.value(VEBUS, "/")[path[1:]]}


def test_a_sub_tree_answers_with_relative_paths(frozen):
    below = frozen.value(VEBUS, "/Ac/Out/L1")
    assert below == {name: frozen.value(VEBUS, f"/Ac/Out/L1/{name}") for name in "VIPSF"}


def test_an_unknown_path_is_an_error(gx):
    assert gx.see("get", VEBUS, "/Ac/Out/L4/P") == {"error": "org.freedesktop.DBus.Error.UnknownObject"}


def test_a_path_made_invalid_is_an_empty_array_and_dashes(gx):
    gx.ask(f"invalidate {VEBUS} /Ac/Out/L1/P")
    assert gx.see("get", VEBUS, "/Ac/Out/L1/P") == {"type": "ai", "value": []}
    assert gx.see("text", VEBUS, "/Ac/Out/L1/P") == "---"
    gx.ask(f"validate {VEBUS} /Ac/Out/L1/P")
    assert gx.value(VEBUS, "/Ac/Out/L1/P") > 500


def test_apparent_power_moves_without_a_signal(watched):
    before, signals, after = watched
    assert after > before
    assert not [path for signal in signals for path in signal["changes"] if path.endswith("/S")]


def test_total_and_phases_refresh_about_every_second_at_moments_of_their_own(watched):
    _, signals, _ = watched
    for path in ("/Ac/Out/P", "/Ac/Out/L1/P", "/Ac/Out/L3/P"):
        gaps_s = [(later - earlier) / 1e9 for earlier, later in pairwise(when_changed(signals, path))]
        assert 0.7 < median(gaps_s) < 1.3
    batches = [{path for path in signal["changes"] if path.endswith("/P")} for signal in signals]
    assert not [batch for batch in batches if {"/Ac/Out/P", "/Ac/Out/L1/P"} <= batch]


def test_power_is_what_the_scenario_says_at_the_moment_of_the_signal(gx, watched):
    scenario = Scenario.load(gx.load)
    for signal in watched[1]:
        if "/Ac/Out/P" in signal["changes"]:
            truth_w = scenario.power_w("rig_01", (signal["ns"] - gx.epoch_ns) / 1e9)
            # Half a watt from rounding; the rest is for a signal that a busy machine delivers late.
            assert signal["changes"]["/Ac/Out/P"]["Value"] == pytest.approx(truth_w, abs=0.5 + SLOPE_W_PER_S * 0.5)


def test_it_reads_when_the_replay_says_it_reads(gx, watched):
    schedule = vebus(Rig(Scenario.load(gx.load), "rig_01")).groups["out"]
    for ns in when_changed(watched[1], "/Ac/Out/P"):
        t_s = (ns - gx.epoch_ns) / 1e9
        assert t_s - schedule.last(t_s) < 0.5


def test_signals_carry_value_and_text_in_batches(watched):
    phase = next(signal for signal in watched[1] if "/Ac/Out/L1/P" in signal["changes"])
    assert phase["member"] == "ItemsChanged"
    assert {"/Ac/Out/L1/P", "/Ac/Out/L1/I"} <= phase["changes"].keys()
    power = phase["changes"]["/Ac/Out/L1/P"]
    assert power["Text"] == f"{power['Value']}W"


def test_older_services_signal_each_path_by_itself(gx):
    signals = gx.see("watch", BATTERY, "/Dc/0/Power", "2")
    assert {signal["member"] for signal in signals} == {"PropertiesChanged"}
    assert {"Value", "Text"} == signals[0]["changes"].popitem()[1].keys()


def test_the_gps_has_no_items_but_a_root_value(gx):
    assert gx.see("items", GPS) == {"error": "org.freedesktop.DBus.Error.UnknownMethod"}
    assert gx.value(GPS, "/")["Position/Latitude"] == pytest.approx(52.09, abs=0.01)
    assert gx.see("get", GPS, "/Fix")["type"] == "y"
    assert gx.see("get", GPS, "/DeviceInstance")["type"] == "ai"


def test_a_frozen_service_keeps_its_values_while_others_go_on(frozen):
    before = frozen.value(VEBUS, "/")
    frozen.see("watch", BATTERY, "/Dc/0/Power", "3")
    assert frozen.value(VEBUS, "/") == before


def test_a_dropped_service_returns_under_a_new_unique_name(gx):
    first = gx.see("owner", BATTERY)
    assert gx.ask(f"drop {BATTERY}") == "ok"
    assert gx.see("owner", BATTERY) == {"error": "org.freedesktop.DBus.Error.NameHasNoOwner"}
    assert gx.ask(f"restore {BATTERY}") == "ok"
    assert gx.see("owner", BATTERY) not in (first, {"error": "org.freedesktop.DBus.Error.NameHasNoOwner"})
    assert gx.value(BATTERY, "/Soc") > 10
    assert gx.see("watch", BATTERY, "/Dc/0/Power", "1")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("drop com.victronenergy.grid.x", "names no service"),
        (f"explode {VEBUS}", "is no command of this service"),
        (f"invalidate {VEBUS} /Nowhere", "is no command of this service"),
        ("", "names no service"),
    ],
    ids=["unknown service", "unknown verb", "unknown path", "empty"],
)
def test_a_wrong_command_is_answered_and_changes_nothing(gx, command, said):
    assert gx.ask(command).startswith("error: ")
    assert said in gx.ask(command)
    assert gx.ask("list").split()[1] == VEBUS


def test_an_old_multi_signals_each_path(tmp_path):
    with dbus.system_bus(tmp_path) as bus:
        gx = Gx(tmp_path, bus, "--vebus-signals=properties")
        signals = gx.see("watch", VEBUS, "/Ac/Out/P", "2")
        gx.stop()
    assert {signal["member"] for signal in signals} == {"PropertiesChanged"}


def test_the_simulator_ends_with_its_bus(tmp_path):
    with dbus.system_bus(tmp_path) as bus:
        gx = Gx(tmp_path, bus)
        bus.kill()
        wait_until(lambda: gx.child.poll() is not None, 5, "the simulator to end")
    assert gx.child.returncode != 0


def test_without_a_bus_it_says_where_it_looked(tmp_path):
    done = subprocess.run(
        [dbus.PYTHON, "-m", "simulators.gx", f"--bus=unix:path={tmp_path}/none", "--scenario", RAMPS],
        cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"no bus at unix:path={tmp_path}/none" in done.stderr
