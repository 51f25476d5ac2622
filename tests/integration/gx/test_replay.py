"""Replayed recordings: what the exporter serves against what the bus holds, read by a second client.

A round reads the truth, waits until the exporter has seen a signal that was sent after that (the bus keeps the order),
scrapes, and reads the truth again. A service that has not moved between the two readings is compared path by path.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from pathlib import Path

import pytest

from simulators.gx.fleet import fleet
from simulators.gx.recording import Recording, read, write
from tests.integration.gx.rig import PREFIX, Exporter, Services, dbus_env
from tests.parts import dbus
from tests.parts.process import Process, wait_until
from tests.unit.gx.exporter import REPO

pytestmark = pytest.mark.real

OWN = "OVR_GX_RECORDINGS"  # a folder of recordings of one's own, replayed instead of the project's
FENCE = "fence.test"
SPEED = 10


def recordings() -> list[Recording]:
    folder = os.environ.get(OWN)
    if not folder:
        return fleet()
    return [read(file.read_text(encoding="utf-8")) for file in sorted(Path(folder).glob("*.csv"))]


def number(value) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


class Replay:
    """Recordings on a bus, a map of all their paths, the exporter serving it, and the client that knows the truth."""

    def __init__(self, bus: dbus.Bus, folder: Path, speed: float):
        self.recordings = recordings()
        self.series = {
            (played.service, path): f"replayed_{number}_{place}"
            for number, played in enumerate(self.recordings)
            for place, path in enumerate(played.start)
        }
        self.fence = Services(bus)
        self.fence.add(FENCE, {"/N": ["i", 0]})
        self.fences = 0
        self.player = Process(
            [
                *(dbus.PYTHON, "-m", "simulators.gx.replay", f"--bus={bus.address}", f"--speed={speed}"),
                *self._write_files(folder),
            ],
            folder / "replay.log",
            cwd=REPO,
        )
        self.player.wait_ready(lambda: "services on" in self.player.tail(), 90)
        self.client = subprocess.Popen(
            [dbus.PYTHON, Path(__file__).with_name("truth.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dbus_env(bus),
        )
        self.exporter = Exporter(bus, folder, maps={"fast": self._write_map(folder)})
        self.http = http.client.HTTPConnection("127.0.0.1", self.exporter.ports["fast"], timeout=90)
        shown = len(self.recordings) + 1
        wait_until(lambda: self.exporter.value("dbus2prom_services", state="shown") == shown, 90, "all are read")

    def _write_files(self, folder: Path) -> list[Path]:
        files = [folder / f"{number}.csv" for number in range(len(self.recordings))]
        for file, played in zip(files, self.recordings, strict=True):
            file.write_text(write(played), encoding="utf-8")
        return files

    def _write_map(self, folder: Path) -> Path:
        rows = [(service, path, metric) for (service, path), metric in self.series.items()]
        rows.append((PREFIX + FENCE, "/N", "replayed_fence"))
        file = folder / "map.tsv"
        file.write_text("".join("\t".join([*row, *"----"]) + "\n" for row in rows))
        return file

    def stop(self) -> None:
        self.http.close()
        self.exporter.stop()
        self.client.kill()
        self.client.communicate()
        self.player.stop()
        self.fence.stop()

    def recorded(self, service: str, path: str) -> float | None:
        """How the path stood first, where that is a number."""
        (played,) = (played for played in self.recordings if played.service == service)
        return number(played.start[path].read(None))

    def truth(self) -> dict[str, dict[str, float | None]]:
        self.client.stdin.write(json.dumps([played.service for played in self.recordings]) + "\n")
        self.client.stdin.flush()
        return json.loads(self.client.stdout.readline())

    def served(self) -> dict[str, float]:
        self.http.request("GET", "/metrics")
        lines = self.http.getresponse().read().decode().splitlines()
        values = (line.split(" ") for line in lines if line.startswith("replayed_"))
        return {series: float(value) for series, value in values}

    def drained(self) -> dict[str, float]:
        """What is served once the exporter has taken everything that was on its way."""
        self.fences += 1
        self.fence.set(FENCE, {"/N": ["i", self.fences]})

        def served():
            series = self.served()
            return series.pop("replayed_fence") == self.fences and series

        return wait_until(served, 90, "the fence is served", every=0.001)

    def compare(self) -> tuple[dict, dict]:
        """Run a round: the truth that could be compared, and where it was not served, as (truth, served)."""
        before, served, after = self.truth(), self.drained(), self.truth()
        still = {service for service in before if before[service] == after[service]}
        wanted = {key: before[key[0]][key[1]] for key in self.series if key[0] in still}
        wrong = {key: (value, served.get(self.series[key])) for key, value in wanted.items()}
        return wanted, {key: pair for key, pair in wrong.items() if pair[0] != pair[1]}


@pytest.fixture
def replay(bus, tmp_path, request):
    running = Replay(bus, tmp_path, request.param)
    yield running
    running.stop()


@pytest.mark.parametrize("replay", [0], indirect=True, ids=["still"])
def test_recordings_that_stand_still_are_served_as_their_files_say(replay):
    stood = {series: replay.recorded(*key) for key, series in replay.series.items()}
    valid = {series: value for series, value in stood.items() if value is not None}
    assert replay.drained() == valid
    assert len(valid) > len(stood) / 2


@pytest.mark.parametrize("replay", [SPEED], indirect=True, ids=["played"])
@pytest.mark.parametrize("checks", [20_000, pytest.param(200_000, marks=pytest.mark.soak)])
def test_what_is_served_never_differs_from_the_bus(replay, checks):
    done = moved = 0
    before: dict = {}
    while done < checks or moved < checks / 100:
        wanted, wrong = replay.compare()
        assert wrong == {}, f"after {done} checks"
        done += len(wanted)
        moved += sum(before.get(key, value) != value for key, value in wanted.items())
        before.update(wanted)
    assert replay.exporter.value("dbus2prom_reconcile_drift_total") == 0
    assert replay.exporter.value("dbus2prom_errors_total") == 0
