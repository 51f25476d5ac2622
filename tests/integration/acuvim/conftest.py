"""Simulated meters, a real Telegraf and a real VictoriaMetrics, and the discovery between them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.cache import REPO
from tests.parts import telegraf, victoria_metrics
from tests.parts.meter_network import SYSTEM
from tests.parts.process import Process, free_port

TEMPLATE = REPO / "roles" / "acuvim" / "templates" / "acuvim_modbus.tpl"
LOAD_W = 4000
SCALES = {"sim_21": 0.5, "sim_22": 0.25}


class Meter(Process):
    """A simulated meter under a constant load, in a process of its own: it can be killed or stopped."""

    def __init__(self, folder: Path, ip: str, port: int, system: str, kilowatts: bool = False, wired: str = ""):
        self.ip, self.port, self.true_w = ip, port, LOAD_W * SCALES[system]
        scenario = folder / "load.json"
        systems = {name: {**SYSTEM, "scale": scale} for name, scale in SCALES.items()}
        pieces = [{"kind": "hold", "seconds": 60}]
        scenario.write_text(
            json.dumps({"about": "constant", "repeat": True, "start_w": LOAD_W, "pieces": pieces, "systems": systems})
        )
        place = f"{ip}:{port}={system}{',kilowatts' if kilowatts else ''}{wired}"
        super().__init__(
            [sys.executable, "-m", "simulators.meters", f"--scenario={scenario}", f"--meter={place}"],
            folder / f"{ip}.log",
            cwd=REPO,
        )
        self.wait_ready(lambda: f"{system} on" in self.tail())


@dataclass
class Box:
    """The files of a box in one folder, and the discovery run on them as the on-box script runs it."""

    folder: Path
    options: tuple[str, ...] = ()

    @property
    def targets(self) -> Path:
        return self.folder / "targets_acuvim.txt"

    @property
    def registry(self) -> Path:
        return self.folder / "registry.json"

    @property
    def watched(self) -> Path:
        return self.folder / "telegraf.d"

    @property
    def paths(self) -> dict[str, str]:
        return {
            "registry": str(self.registry),
            "telegraf_dir": str(self.watched),
            "staging": str(self.folder / "staging"),
            "template": str(TEMPLATE),
            "metrics_file": str(self.folder / "acuvim.prom"),
        }

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.watched.iterdir()}

    def try_discover(self, *options: str, **paths: str) -> subprocess.CompletedProcess:
        named = [f"--{name.replace('_', '-')}={value}" for name, value in {**self.paths, **paths}.items()]
        command = [sys.executable, "-m", "ansible_collections.ovr.edge.plugins.module_utils.acuvim"]
        return subprocess.run(
            [*command, f"--targets={self.targets}", "--json", *named, *self.options, *options],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(REPO / ".ansible" / "collections"), "PATH": "/usr/bin:/bin"},
        )

    def discover(self, *options: str, **paths: str) -> dict:
        done = self.try_discover(*options, **paths)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@dataclass
class Rig:
    """A box whose Telegraf polls and writes."""

    box: Box
    telegraf: telegraf.Telegraf
    database: victoria_metrics.VictoriaMetrics

    def samples(self, match: str, since_s: float) -> dict[str, list[tuple[float, float]]]:
        """Series name → (time [s], value), of what was stored since then."""
        series = self.database.export(match, since_s, time.time() + 10)
        return {
            one["metric"]["__name__"]: [
                (stamp / 1000, value) for stamp, value in zip(one["timestamps"], one["values"], strict=True)
            ]
            for one in series
        }

    def arrived(self, system_id: str, name: str, since_s: float) -> list[float]:
        """Values of one series since then."""
        found = self.samples(f'{name}{{system_id="{system_id}"}}', since_s)
        return [value for _, value in found.get(name, [])]


@pytest.fixture
def box(tmp_path):
    for name in ("telegraf.d", "staging"):
        (tmp_path / name).mkdir()
    return Box(tmp_path)


@pytest.fixture
def port():
    return free_port("127.10.4.21")


@pytest.fixture
def meter(tmp_path, port):
    """Start meters: meter("127.10.4.21", "sim_21"). All are ended."""
    started = []

    def start(ip: str, system: str, **options) -> Meter:
        started.append(Meter(tmp_path, ip, port, system, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def rig(box, fresh_victoria_metrics):
    with telegraf.running(box.folder, f"{fresh_victoria_metrics.url}/write") as program:
        check, url = " ".join(program.check), fresh_victoria_metrics.url
        box.options = (f"--telegraf-check={check}", f"--verify-url={url}", "--energy-interval=1s")
        yield Rig(box, program, fresh_victoria_metrics)
