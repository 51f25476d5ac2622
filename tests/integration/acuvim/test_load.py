"""Many meters at their real pace: every cycle of every meter is there, and what that costs."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from tests.lab.cache import REPO
from tests.parts.meter_network import SYSTEM
from tests.parts.process import Process, free_port, wait_until

pytestmark = pytest.mark.real

WIRED, WIFI = "127.10.5.0/24", "127.10.6.0/24"
INTERVAL_S = {"wired": 0.2, "wifi": 1.0}


class Meters(Process):
    """One process of simulated meters, each at an address of its own."""

    def __init__(self, folder: Path, addresses: list[str], port: int):
        systems = {f"sim_{n}": {**SYSTEM, "scale": 0.1} for n in range(1, len(addresses) + 1)}
        pieces = [{"kind": "hold", "seconds": 60}]
        scenario = {"about": "constant", "repeat": True, "start_w": 4000, "pieces": pieces, "systems": systems}
        (folder / "load.json").write_text(json.dumps(scenario))
        places = [f"--meter={ip}:{port}={system}" for ip, system in zip(addresses, systems, strict=True)]
        command = [sys.executable, "-m", "simulators.meters", f"--scenario={folder / 'load.json'}", *places]
        super().__init__(command, folder / "meters.log", cwd=REPO)
        self.wait_ready(lambda: self.log.read_text().count(" on 127.") == len(addresses))


def missed(stamps: list[float], interval_s: float, began: float, ended: float) -> int:
    """Cycles of that time that brought no sample."""
    at_the_edges = int((stamps[0] - began) / interval_s) + int((ended - stamps[-1]) / interval_s)
    return at_the_edges + round((stamps[-1] - stamps[0]) / interval_s) - (len(stamps) - 1)


def used_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024


@pytest.mark.parametrize(
    ("wifi", "wired", "seconds", "may_miss"),
    [
        # A share of the cycles: in the short run the machine may be busy with other things.
        pytest.param(3, 2, 5, 0.5, id="a few meters, some seconds"),
        pytest.param(50, 10, 300, 0.0, id="60 meters, 5 minutes", marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
def test_no_cycle_is_missed(rig, capsys, wifi, wired, seconds, may_miss):
    addresses = [f"127.10.5.{n}" for n in range(1, wired + 1)] + [f"127.10.6.{n}" for n in range(1, wifi + 1)]
    port = free_port(addresses[0])
    meters = Meters(rig.box.folder, addresses, port)
    try:
        rig.box.targets.write_text("".join(f"{ip} port={port}\n" for ip in addresses))
        media = json.dumps({WIRED: "wired", WIFI: "wifi"})
        rig.box.discover(f"--networks={media}", "--energy-interval=10s", "--verify-seconds=90")
        pid, began = rig.telegraf.child.pid, time.time()
        cpu_s = used_cpu_s(pid)
        time.sleep(seconds)  # the time that is looked at
        used, memory = used_cpu_s(pid) - cpu_s, memory_mb(pid)
        ended = began + seconds
        wait_until(lambda: len(rig.database.export("acuvim_P", ended, ended + 90)) == len(addresses), 90, "later ones")
        series = rig.database.export("acuvim_P", began, ended)
    finally:
        meters.stop()

    missing = {}
    for one in series:
        medium = "wired" if one["metric"]["ip"].startswith("127.10.5.") else "wifi"
        stamps = [stamp / 1000 for stamp in one["timestamps"]]
        cycles = seconds / INTERVAL_S[medium]
        missing[one["metric"]["system_id"]] = missed(stamps, INTERVAL_S[medium], began, ended) / cycles
    with capsys.disabled():
        print(
            f"\n{wifi} meters at 1 s and {wired} at 200 ms for {seconds} s: Telegraf used {100 * used / seconds:.1f} % "
            f"of a core and {memory:.0f} MB; cycles missed: {sum(share > 0 for share in missing.values())} meters, "
            f"at most {100 * max(missing.values()):.2f} %"
        )
    assert len(missing) == wifi + wired
    assert max(missing.values()) <= may_miss
