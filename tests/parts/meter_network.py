"""Ten meters among 254 addresses of which no other answers, behind a link that loses connects."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.lab.cache import REPO
from tests.parts.namespace import Namespace, meters_among_silence, namespace
from tests.parts.process import Process

NETWORK = "127.10.4.0/24"
METERS = tuple(f"127.10.4.{number}" for number in range(20, 270, 25))
SYSTEM = {
    "kind": "acuvim",
    "phase_shares": [0.4, 0.35, 0.25],
    "voltage_v": 120.0,
    "frequency_hz": 60.0,
    "power_factor": 0.9,
}
ENVIRONMENT = {"PYTHONPATH": f"{REPO}:{REPO / '.ansible' / 'collections'}"}
# The real command, looking only; options may follow.
DISCOVERY = (sys.executable, "-m", "ansible_collections.ovr.edge.plugins.module_utils.acuvim")


@contextlib.contextmanager
def meter_network(folder: Path, loss_percent: int) -> Iterator[Namespace]:
    """The namespace with its meters at port 502; `targets` in `folder` lists all addresses."""
    (folder / "targets").write_text(f"{NETWORK}\n")
    with namespace() as network:
        meters = Process(network.inside(*_simulator(folder)), folder / "meters.log", ENVIRONMENT, REPO)
        try:
            meters.wait_ready(lambda: meters.tail(4000).count(" on ") == len(METERS), 90)
            network.run("nft", "-f", "-", given=meters_among_silence(NETWORK, METERS, loss_percent))
            yield network
        finally:
            meters.stop()


def _simulator(folder: Path) -> list[str]:
    names = [f"sim_{number}" for number in range(1, len(METERS) + 1)]
    scenario = {
        "about": "constant",
        "repeat": True,
        "start_w": 4000,
        "pieces": [{"kind": "hold", "seconds": 60}],
        "systems": {name: {**SYSTEM, "scale": 0.5} for name in names},
    }
    path = folder / "load.json"
    path.write_text(json.dumps(scenario))
    places = [f"--meter={ip}:502={name}" for ip, name in zip(METERS, names, strict=True)]
    return [sys.executable, "-m", "simulators.meters", f"--scenario={path}", *places]
