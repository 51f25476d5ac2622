"""Readers that stop reading, and long runs: what they cost the bus of the GX and the exporter itself."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.integration.gx.rig import PREFIX, Exporter, dbus_env
from tests.parts import dbus
from tests.parts.process import Process, free_port, wait_until
from tests.unit.gx.exporter import PROGRAM

pytestmark = pytest.mark.real

PATHS = 200
ROUNDS = 400  # signals of all paths: 5 MB where nobody takes them
KEPT_KIB = 2048  # what an allocator may keep of messages that were on their way


def rss_kib(pid: int) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


def files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class Flood:
    """A service that changes all its paths at once, and exporters that serve them."""

    def __init__(self, bus: dbus.Bus, services, folder: Path):
        self.bus, self.services, self.folder = bus, services, folder
        self.number = 0
        self.exporters: list[Exporter] = []
        self.map = folder / "map.tsv"
        rows = [f"{PREFIX}grid.*\t/Path/{path}\tflooded_{path}\t-\t-\t-\t-\n" for path in range(PATHS)]
        self.map.write_text("".join(rows))
        services.add("grid.flood", self._values())

    def _values(self) -> dict:
        return {f"/Path/{path}": ["d", self.number + path / 1000] for path in range(PATHS)}

    def send(self, signals: int = 1) -> None:
        for _ in range(signals):
            self.number += 1
            self.services.set("grid.flood", self._values())

    def start(self) -> Exporter:
        folder = self.folder / f"exporter-{len(self.exporters)}"
        folder.mkdir()
        self.exporters.append(Exporter(self.bus, folder, maps={"fast": self.map}))
        self.wait_served()
        return self.exporters[-1]

    def wait_served(self) -> None:
        self.exporters[-1].wait_value(self.number, "flooded_0", seconds=90)

    def stop(self) -> None:
        for exporter in self.exporters:
            exporter.stop()


@pytest.fixture
def flood(bus, services, tmp_path):
    flooding = Flood(bus, services, tmp_path)
    yield flooding
    flooding.stop()


def test_clients_that_do_not_read_never_stall_the_bus(bus, flood):
    exporter = flood.start()
    flood.send(ROUNDS)
    flood.wait_served()
    before = rss_kib(bus.pid)
    greedy = [socket.create_connection(("127.0.0.1", exporter.ports["fast"])) for _ in range(8)]
    try:
        for client in greedy:
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n" * 300)
        flood.send(ROUNDS)
        flood.wait_served()
        assert rss_kib(bus.pid) < before + KEPT_KIB
    finally:
        for client in greedy:
            client.close()


def test_exporters_that_are_stopped_and_killed_do_not_add_up_in_the_bus(bus, flood):
    """While one stands still the daemon keeps its signals; the watchdog kills it, and the memory serves the next."""
    peaks = []
    for _ in range(3):
        exporter = flood.start()
        exporter.signal(signal.SIGSTOP)
        flood.send(ROUNDS)
        peaks.append(rss_kib(bus.pid))
        exporter.kill()
    flood.start()
    assert peaks[2] < peaks[0] + KEPT_KIB, peaks


HUNG = """
import sys, time
sys.path.insert(0, sys.argv[1])
import dbus2prom
dbus2prom.KILL_S = 2
dbus2prom.Exporter.metrics = lambda *_: time.sleep(3600)
dbus2prom.main(sys.argv[2:])
"""


def test_a_loop_that_hangs_is_ended_by_the_kernel(bus, flood, tmp_path):
    port = free_port()
    command = [dbus.PYTHON, "-c", HUNG, PROGRAM.parent, "--fast", f"{flood.map}:{port}", "--listen", "127.0.0.1"]
    hung = Process(command, tmp_path / "hung.log", env=dbus_env(bus))
    try:
        hung.wait_ready(lambda: "serving on" in hung.tail(), 90)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            assert hung.child.wait(90) == -signal.SIGALRM
    finally:
        hung.stop()


@pytest.mark.parametrize("seconds", [6, pytest.param(600, marks=pytest.mark.soak)])
def test_memory_and_files_stay_as_they_are(services, flood, seconds):
    """Scraped twice a second over two kinds of connection, while values move and a device comes and goes."""
    exporter = flood.start()
    kept = http.client.HTTPConnection("127.0.0.1", exporter.ports["fast"], timeout=90)

    def turn():
        flood.send()
        services.add("tank.can0", {"/DeviceInstance": ["u", 3], "/Level": ["d", 40.0]})
        kept.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        kept.getresponse().read()
        flood.wait_served()
        services.drop("tank.can0")
        return rss_kib(exporter.pid), files(exporter.pid)

    memory, opened = max(turn() for _ in range(20))
    end = time.monotonic() + seconds
    wait_until(lambda: turn() and time.monotonic() > end, seconds + 90, "the run is over", every=0.25)
    later, _ = turn()
    kept.close()
    assert later < memory + 1024, f"{memory} KiB grew to {later}"
    wait_until(lambda: files(exporter.pid) < opened, 90, f"not one of {opened} files more is open")
