"""The exporter on a real bus: what comes, goes, changes, lies and hangs."""

from __future__ import annotations

import signal
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.integration.gx.rig import Exporter, Services, dbus_env
from tests.parts import dbus
from tests.parts.process import wait_until
from tests.unit.gx.exporter import PROGRAM, dbus2prom

pytestmark = pytest.mark.real

VEBUS = {
    "/DeviceInstance": ["u", 276],
    "/State": ["y", 9],
    "/Ac/Out/P": ["i", 1200],
    "/Ac/Out/S": ["i", 1300],
    "/Ac/Out/L1/V": ["d", 230.1],
    "/Ac/Out/L2/V": ["-", 0],
    "/Dc/0/Voltage": ["d", 52.5],
}


def test_a_service_that_comes_goes_and_returns(services, exporter):
    assert exporter.value("victron_ac_out_power") is None
    services.add("vebus.ttyS4", VEBUS)
    exporter.wait_value(1200, "victron_ac_out_power")
    assert exporter.value("victron_ac_out_l1_v", phase="L1") == 230.1
    assert exporter.value("victron_ac_out_l2_v") is None, "invalid is absent"
    services.drop("vebus.ttyS4")
    exporter.wait_value(None, "victron_ac_out_power")
    services.add("vebus.ttyS4", {**VEBUS, "/Ac/Out/P": ["i", 7]})
    exporter.wait_value(7, "victron_ac_out_power")
    services.set("vebus.ttyS4", {"/Ac/Out/P": ["i", 8]})
    exporter.wait_value(8, "victron_ac_out_power")


def test_a_service_that_was_there_first_and_moves_to_another_tty(bus, services, tmp_path):
    services.add("vebus.ttyS4", VEBUS)
    exporter = Exporter(bus, tmp_path)
    try:
        exporter.wait_value(1200, "victron_ac_out_power")
        before = [series for series in exporter.scrape() if series[0].startswith("victron_")]
        services.drop("vebus.ttyS4")
        services.add("vebus.ttyUSB1", VEBUS)
        exporter.wait_value(1200, "victron_ac_out_power")
        assert [series for series in exporter.scrape() if series[0].startswith("victron_")] == before
    finally:
        exporter.stop()


def test_a_process_that_restarts_under_a_new_unique_name(services, exporter):
    services.add("vebus.ttyS4", VEBUS)
    exporter.wait_value(1200, "victron_ac_out_power")
    for power in range(5):
        services.drop("vebus.ttyS4")
        services.add("vebus.ttyS4", {**VEBUS, "/Ac/Out/P": ["i", power]})
        services.set("vebus.ttyS4", {"/Ac/Out/P": ["i", 100 + power]})
        exporter.wait_value(100 + power, "victron_ac_out_power")
    services.set("vebus.ttyS4", {"/Ac/Out/P": ["i", 7]}, "PropertiesChanged")
    exporter.wait_value(7, "victron_ac_out_power")
    assert exporter.value("dbus2prom_services", state="shown") == 1


def test_a_storm_of_invalid_values_leaves_no_series_and_no_error(services, exporter):
    values = {path: VEBUS[path] for path in ("/Ac/Out/P", "/Ac/Out/L1/V", "/Dc/0/Voltage")}
    invalid = {path: ["-", 0] for path in values}
    served = ("victron_ac_out_power", "victron_ac_out_l1_v", "victron_dc_voltage")
    services.add("vebus.ttyS4", VEBUS)
    exporter.wait_value(1200, "victron_ac_out_power")
    for _ in range(50):
        for member in ("ItemsChanged", "PropertiesChanged"):
            services.set("vebus.ttyS4", values, member)
            services.set("vebus.ttyS4", invalid, member)
    services.set("vebus.ttyS4", {"/State": ["y", 8]})
    exporter.wait_value(8, "victron_state_state")
    assert [exporter.value(name) for name in served] == [None, None, None]
    assert exporter.value("dbus2prom_errors_total") == 0
    services.set("vebus.ttyS4", values)
    exporter.wait_value(1200, "victron_ac_out_power")


@pytest.mark.parametrize("member", ["ItemsChanged", "PropertiesChanged"])
def test_a_signal_is_served_and_an_invalid_value_is_not(services, exporter, member):
    services.add("vebus.ttyS4", VEBUS)
    exporter.wait_value(1200, "victron_ac_out_power")
    services.set("vebus.ttyS4", {"/Ac/Out/P": ["d", -3.25], "/Ac/Out/L1/V": ["-", 0]}, member)
    exporter.wait_value(-3.25, "victron_ac_out_power")
    exporter.wait_value(None, "victron_ac_out_l1_v")


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        pytest.param(["y", 49], 49, id="byte"),
        pytest.param(["b", True], 1, id="boolean"),
        pytest.param(["n", -5], -5, id="int16"),
        pytest.param(["q", 65535], 65535, id="uint16"),
        pytest.param(["i", -70000], -70000, id="int32"),
        pytest.param(["u", 4294967295], 4294967295, id="uint32"),
        pytest.param(["d", 0.1], 0.1, id="double"),
        pytest.param(["s", "12.5"], 12.5, id="number as text"),
        pytest.param(["s", "---"], None, id="text"),
        pytest.param(["-", 0], None, id="invalid"),
        pytest.param(["ay", [1, 2]], None, id="bytes"),
    ],
)
def test_every_type_of_the_bus(services, exporter, wire, expected):
    services.add("vebus.ttyS4", {**VEBUS, "/Dc/0/Current": wire})
    exporter.wait_value(1200, "victron_ac_out_power")
    assert exporter.value("victron_dc_current") == expected


def test_apparent_power_is_polled_because_it_never_signals(services, exporter):
    services.add("vebus.ttyS4", VEBUS)
    exporter.wait_value(1300, "victron_ac_out_apparent")
    services.set("vebus.ttyS4", {"/Ac/Out/S": ["i", 1444]}, signal=None)
    exporter.wait_value(1444, "victron_ac_out_apparent")
    services.child.send_signal(signal.SIGSTOP)
    exporter.wait_value(None, "victron_ac_out_apparent")
    services.child.send_signal(signal.SIGCONT)
    exporter.wait_value(1444, "victron_ac_out_apparent")


@pytest.mark.parametrize(("load_limits", "degraded"), [("999,999", 0), ("0,0", 1)], ids=["idle", "loaded"])
def test_it_is_a_lighter_guest_on_a_loaded_gx(bus, tmp_path, load_limits, degraded):
    exporter = Exporter(bus, tmp_path, load_limits)
    try:
        assert exporter.value("dbus2prom_degraded") == degraded
    finally:
        exporter.stop()


def test_a_path_that_changes_in_silence_is_found_and_polled(services, exporter):
    services.add("vebus.ttyS4", VEBUS)
    exporter.wait_value(1200, "victron_ac_out_power")
    assert exporter.value("dbus2prom_reconcile_drift_total") == 0
    services.set("vebus.ttyS4", {"/Ac/Out/P": ["i", 1201]}, signal=None)
    exporter.wait_value(1, "dbus2prom_reconcile_drift_total")
    services.set("vebus.ttyS4", {"/Ac/Out/P": ["i", 1202]}, signal=None)
    exporter.wait_value(1202, "victron_ac_out_power")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(["GetValue"], id="no GetItems"),
        pytest.param([], id="no root at all"),
        pytest.param(["GetItems", "nothing", "GetValue"], id="GetItems gives nothing"),
        pytest.param(["GetItems", "nothing"], id="nothing gives anything"),
    ],
)
def test_a_service_that_cannot_be_read_in_one_call(services, exporter, answers):
    services.add("vebus.ttyS4", VEBUS, answers)
    exporter.wait_value(1200, "victron_ac_out_power")
    exporter.wait_value(230.1, "victron_ac_out_l1_v")
    services.set("vebus.ttyS4", {"/Ac/Out/P": ["i", 5]})
    exporter.wait_value(5, "victron_ac_out_power")


def test_a_service_that_never_answers_does_not_hold_up_the_others(bus, services, exporter):
    hung = Services(bus)
    try:
        hung.add("battery.ttyS5", {"/Soc": ["d", 87.0]})
        hung.child.send_signal(signal.SIGSTOP)
        services.add("vebus.ttyS4", VEBUS)
        exporter.wait_value(1200, "victron_ac_out_power")
    finally:
        hung.child.send_signal(signal.SIGCONT)
        hung.stop()


def test_paths_that_come_after_the_name(services, exporter):
    services.add("vebus.ttyS4", {"/DeviceInstance": ["u", 276]})
    wait_until(lambda: exporter.value("dbus2prom_services", state="shown") == 1, 5, "the service is read")
    services.set("vebus.ttyS4", VEBUS, signal=None)
    exporter.wait_value(1200, "victron_ac_out_power")


def test_several_of_a_kind(services, exporter):
    for number, tty in ((276, "ttyS4"), (277, "ttyS5")):
        services.add(f"vebus.{tty}", {**VEBUS, "/DeviceInstance": ["q", number], "/Ac/Out/P": ["i", number]})
    for number in (276, 277):
        exporter.wait_value(number, "victron_ac_out_power", device_instance=str(number))
    assert exporter.value("dbus2prom_map_conflicts", view="fast") == 0


def test_texts_are_labels_on_the_slow_port(services, exporter):
    services.add("vebus.ttyS4", {**VEBUS, "/ProductName": ["s", 'Quattro "15k"'], "/CustomName": ["s", "Rig 7"]})
    exporter.wait_value(1, "victron_device_info", view="slow", product=r"Quattro \"15k\"", device_instance="276")
    assert exporter.value("victron_custom_name_custom_name", view="slow", value="Rig 7") == 1
    assert exporter.value("victron_device_info") is None


def test_the_bus_dies_and_so_does_the_exporter(bus, services, exporter):
    services.add("vebus.ttyS4", VEBUS)
    exporter.wait_value(1200, "victron_ac_out_power")
    bus.kill()
    assert exporter.child.wait(10) != 0, "the supervisor starts it again"


def test_a_hung_exporter_is_not_healthy_and_recovers(services, exporter):
    services.add("vebus.ttyS4", VEBUS)
    exporter.wait_value(1200, "victron_ac_out_power")
    exporter.signal(signal.SIGSTOP)
    with pytest.raises((TimeoutError, urllib.error.URLError)):
        urllib.request.urlopen(exporter.url("/-/healthy"), timeout=1)
    services.set("vebus.ttyS4", {"/Ac/Out/P": ["i", 9]})
    exporter.signal(signal.SIGCONT)
    exporter.wait_value(9, "victron_ac_out_power")
    with urllib.request.urlopen(exporter.url("/-/healthy"), timeout=5) as reply:
        assert reply.status == 200


def test_discover_prints_a_map_of_what_is_there(bus, services):
    services.add("vebus.ttyS4", {**VEBUS, "/ProductName": ["s", "Quattro"]})
    services.add("system", {"/Dc/Battery/Soc": ["d", 87.0]})
    command = [dbus.PYTHON, PROGRAM, "--discover", "--bus", bus.address]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    rows, problems = dbus2prom.parse_map(printed)
    assert (problems, dbus2prom.conflicts(rows)) == ([], [])
    assert {(row.kind, row.path) for row in rows} == {
        ("system", "/Dc/Battery/Soc"),
        ("vebus", "/DeviceInstance"),
        ("vebus", "/State"),
        ("vebus", "/Ac/Out/P"),
        ("vebus", "/Ac/Out/S"),
        ("vebus", "/Ac/Out/{phase}/V"),
        ("vebus", "/Dc/0/Voltage"),
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--fast", "nowhere.tsv:9480"], "cannot read nowhere.tsv", id="no map"),
        pytest.param(["--fast", "map.tsv"], "is not FILE:PORT", id="no port"),
        pytest.param([], "give --fast MAP:PORT", id="nothing to serve"),
        pytest.param(["--fast", "{map}:{taken}", "--listen", "127.0.0.1"], "is it running already?", id="port taken"),
        pytest.param(["--discover", "--bus", "unix:path=/nowhere"], "no system bus at unix:path=/nowhere", id="no bus"),
    ],
)
def test_a_bad_start_ends_with_a_sentence(exporter, bus, arguments, sentence):
    words = [word.format(map=PROGRAM.with_name("map_fast.tsv"), taken=exporter.ports["fast"]) for word in arguments]
    done = subprocess.run([dbus.PYTHON, PROGRAM, *words], capture_output=True, text=True, timeout=30, env=dbus_env(bus))
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
