"""P2: finding ten meters among 254 addresses behind a link that loses a fifth of all connects."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.row import REPEATS, Row
from tests.lab.cache import REPO
from tests.parts.meter_network import DISCOVERY, ENVIRONMENT, METERS, NETWORK, meter_network
from tests.parts.namespace import Namespace

LOSS_PERCENT = 20
GOAL = 1 / 150
GOAL_NMAP = 1.0


@dataclass(frozen=True)
class _Run:
    """One look at the network: seconds of the whole command, of the scan in it, and meters found."""

    command_s: float
    scan_s: float
    found: int


def measure() -> list[Row]:
    """Time of the scan beside a probe of one second an address; and of the whole command beside nmap's."""
    with tempfile.TemporaryDirectory(dir=REPO / "build") as scratch:
        folder = Path(scratch)
        with meter_network(folder, LOSS_PERCENT) as network:
            ours, nmaps = [], []
            for _ in range(REPEATS):
                ours.append(_discovery(network, folder))
                nmaps.append(_nmap(network))
            slow = _one_by_one(network)
    what = f"254 addresses, {LOSS_PERCENT} % of SYNs lost, {_found(ours)}"
    scans = [run.scan_s for run in ours]
    times = slow.scan_s / statistics.median(scans)
    return [
        _row("P2", f"scan of {what}", scans, f"a probe of 1 s an address, once ({times:.0f} times as long, "
             f"{_found([slow])})", [slow.scan_s], GOAL),
        _row("P2-nmap", f"whole discovery of {what}", [run.command_s for run in ours],
             f"nmap -p 502 ({_found(nmaps)})", [run.command_s for run in nmaps], GOAL_NMAP),
    ]  # fmt: skip


def _discovery(network: Namespace, folder: Path) -> _Run:
    seconds, printed = _timed(network, *DISCOVERY, f"--targets={folder / 'targets'}", "--json")
    result = json.loads(printed)
    found = sum(finding["verdict"] == "meter" for finding in result["findings"])
    return _Run(seconds, result["scan"]["seconds"], found)


def _nmap(network: Namespace) -> _Run:
    # -n: there is no name server to wait for.
    seconds, printed = _timed(network, "nmap", "-n", "-p", "502", "--open", NETWORK)
    return _Run(seconds, seconds, printed.count("502/tcp open"))


def _one_by_one(network: Namespace) -> _Run:
    seconds, printed = _timed(network, sys.executable, "-m", "tests.bench.one_by_one", NETWORK)
    result = json.loads(printed)
    return _Run(seconds, result["seconds"], len(result["found"]))


def _timed(network: Namespace, *command: str) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(
        network.inside(*command), env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - began, done.stdout


def _found(runs: list[_Run]) -> str:
    return f"{sum(run.found for run in runs)} of {len(METERS) * len(runs)} meters found"


def _row(row_id: str, what: str, values: list[float], reference: str, references: list[float], goal: float) -> Row:
    value, beside = statistics.median(values), statistics.median(references)
    ratio = value / beside
    shown = [float(f"{number:.4g}") for number in (value, min(values), max(values), beside, ratio, goal)]
    return Row(row_id, what, *shown[:3], "s", reference, shown[3], shown[4], shown[5], ratio <= goal)
