"""`--discover` on a big GX: the map that it prints passes the linter and serves every number that is on the bus."""

from __future__ import annotations

import collections
import subprocess
from pathlib import Path

import pytest

from simulators.gx.fleet import fleet
from simulators.gx.recording import Recording, write
from tests.integration.gx.rig import Exporter, dbus_env
from tests.parts import dbus
from tests.parts.process import Process, wait_until
from tests.unit.gx.exporter import PROGRAM, REPO

pytestmark = pytest.mark.real

COUNT = "/Replay/Batch"  # what the replay itself adds to each service


@pytest.fixture
def fleet_on_bus(bus, tmp_path):
    """A GX with 14 services that stands still."""
    recordings = fleet()
    for recording in recordings:
        (tmp_path / f"{recording.service}.csv").write_text(write(recording))
    command = [dbus.PYTHON, "-m", "simulators.gx.replay", f"--bus={bus.address}", "--speed=0"]
    player = Process([*command, *sorted(tmp_path.glob("*.csv"))], tmp_path / "replay.log", cwd=REPO)
    player.wait_ready(lambda: "services on" in player.tail(), 90)
    yield recordings
    player.stop()


def program(bus: dbus.Bus, *arguments: object) -> str:
    command = [dbus.PYTHON, PROGRAM, *arguments]
    return subprocess.run(command, env=dbus_env(bus), capture_output=True, text=True, timeout=90, check=True).stdout


def number(value: object) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def numbers_on_bus(recordings: list[Recording]) -> dict[str, list[float]]:
    """Every number by class of service, sorted."""
    found = collections.defaultdict(list)
    for recording in recordings:
        values = {path: number(item.value(None)) for path, item in recording.start.items()}
        kind = recording.service.split(".")[2]
        found[kind] += [value for value in {**values, COUNT: 0.0}.values() if value is not None]
    return {kind: sorted(values) for kind, values in found.items()}


def numbers_served(exporter: Exporter) -> dict[str, list[float]]:
    found = collections.defaultdict(list)
    for (metric, labels), value in exporter.scrape().items():
        if metric.startswith("victron_") and metric != "victron_device_info":
            found[dict(labels)["group"]].append(value)
    return {kind: sorted(values) for kind, values in found.items()}


def test_a_discovered_map_has_no_problem_and_serves_every_number(bus, fleet_on_bus, tmp_path: Path):
    file = tmp_path / "map_discovered.tsv"
    file.write_text(program(bus, "--discover", "--bus", bus.address))
    assert "no problem" in program(bus, "--check", file)
    exporter = Exporter(bus, tmp_path, maps={"fast": file})
    try:
        everything = numbers_on_bus(fleet_on_bus)
        wait_until(lambda: numbers_served(exporter).keys() == everything.keys(), 90, "every class is served")
        served = numbers_served(exporter)
        assert {kind: len(values) for kind, values in served.items()} == {
            kind: len(values) for kind, values in everything.items()
        }
        assert served == everything
        assert exporter.value("dbus2prom_map_conflicts") == 0
    finally:
        exporter.stop()
