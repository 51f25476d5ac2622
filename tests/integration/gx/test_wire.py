"""What the exporter puts on the bus, as dbus-monitor sees it: questions, and few of them."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.integration.gx.rig import Exporter
from tests.parts.process import Process, wait_until

pytestmark = pytest.mark.real

VEBUS = {"/DeviceInstance": ["u", 276], "/State": ["y", 9], "/Ac/Out/P": ["i", 1200], "/Ac/Out/S": ["i", 1300]}
BUS = "org.freedesktop.DBus"
READING = {"Hello", "AddMatch", "ListNames", "GetNameOwner", "GetItems", "GetValue"}
MESSAGE = re.compile(r"^(method call|method return|error|signal) .*?sender=(\S+) -> destination=(\S+)", re.MULTILINE)
CALL = re.compile(r"^method call .*? sender=(\S+) -> destination=(\S+) .*? member=(\w+)", re.MULTILINE)


@pytest.fixture
def monitor(bus, tmp_path):
    """Everything that is on the bus, in its log."""
    watching = Process(["dbus-monitor", "--address", bus.address], tmp_path / "monitor.log")
    watching.wait_ready(lambda: b"NameAcquired" in watching.log.read_bytes(), 90)
    yield watching
    watching.stop()


def calls(monitor: Process) -> list[tuple[str, str, str]]:
    """Sender, destination and method of every call of who is neither the monitor nor offers a service."""
    found = CALL.findall(monitor.log.read_text(errors="replace"))
    others = {sender for sender, _, method in found if method in ("BecomeMonitor", "RequestName")}
    return [call for call in found if call[0] not in others]


def test_nothing_but_reading_is_sent_and_few_rules_are_matched(bus, services, monitor, tmp_path):
    services.add("vebus.ttyS4", VEBUS)
    exporter = Exporter(bus, tmp_path)
    try:
        exporter.wait_value(1200, "victron_ac_out_power", seconds=90)
        services.add("battery.ttyS5", {"/Dc/0/Voltage": ["d", 52.0]}, ["GetValue"])
        services.add("tank.can0", {"/Level": ["d", 40.0]}, [])
        services.drop("vebus.ttyS4")
        exporter.wait_value(None, "victron_ac_out_power", seconds=90)
        services.add("vebus.ttyUSB1", VEBUS)
        services.set("vebus.ttyUSB1", {"/Ac/Out/S": ["i", 1]}, signal=None)
        exporter.wait_value(1, "victron_ac_out_apparent", seconds=90)
        services.set("vebus.ttyUSB1", {"/Ac/Out/P": ["i", 2]}, signal=None)
        exporter.wait_value(2, "victron_ac_out_power", seconds=90)  # found by reading the whole again
        counted = wait_until(lambda: _read_again(monitor), 90, "every service is read three times")
    finally:
        exporter.stop()
    assert {method for _, method in counted} == READING
    assert len({sender for sender, _ in counted}) == 1, "one connection"
    (mine,) = {sender for sender, _ in counted}
    assert counted[mine, "AddMatch"] <= 4
    sent = [kind for kind, sender, _ in MESSAGE.findall(monitor.log.read_text(errors="replace")) if sender == mine]
    assert set(sent) == {"method call"}
    asked = {destination for sender, destination, _ in calls(monitor) if sender == mine}
    assert all(name == BUS or name.startswith(":") for name in asked), "nothing is started by asking for it"


def _read_again(monitor: Process) -> Counter | None:
    """The calls by sender and method, once there are three readings of each of the services that can be read whole."""
    counted = Counter((sender, method) for sender, _, method in calls(monitor))
    return counted if sum(counted[call] for call in counted if call[1] == "GetItems") >= 6 else None
