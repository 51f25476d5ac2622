"""P3: the GX exporter beside a reader that asks for each path, on one bus with 14 replayed services.

OVR_GX_RECORDINGS names a folder of recordings to replay instead of the project's own.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulators.gx.control import ask
from simulators.gx.fleet import fleet
from simulators.gx.recording import Recording, read, write
from tests.bench.row import REPEATS, Row
from tests.lab.cache import REPO
from tests.lab.shell import run
from tests.parts import dbus
from tests.parts.process import Process, free_port, wait_until
from tests.unit.gx.exporter import MAPS, PROGRAM, dbus2prom

SCRAPES = 20  # of a turn
EVERY_S = 0.5
SETTLE_S = 8.0  # the exporter reads each service three times at first
READER = Path(__file__).with_name("per_path_reader.py")


@dataclass(frozen=True)
class Turn:
    """Wall time of each scrape [ms]; CPU [ms per 500 ms] of the reader, and of services and daemon; RSS [MiB]."""

    times_ms: list[float]
    reader_ms: float
    others_ms: float
    rss_mib: float = 0.0

    def quantile_ms(self, share: float) -> float:
        return sorted(self.times_ms)[int(share * len(self.times_ms))]


NOTHING = Turn([], 0.0, 0.0)


def measure() -> list[Row]:
    """Scrape time, CPU and memory in turns: nobody reads, the per-path reader, the exporter unasked and asked."""
    idle, reference, unasked, exporter, back = [], [], [], [], []
    with tempfile.TemporaryDirectory(dir=REPO / "build") as scratch, dbus.system_bus(Path(scratch)) as bus:
        folder, recordings = Path(scratch), _recordings()
        with _replay(folder, bus, recordings) as services:
            others = [bus.pid, services.pid]
            for _ in range(REPEATS):
                idle.append(_turn(None, others))
                with _reference(folder, bus, recordings) as (process, port):
                    reference.append(_turn(process, others, port))
                with _exporter(folder, bus) as (process, port):
                    time.sleep(SETTLE_S)
                    unasked.append(_turn(process, others))
                    exporter.append(_turn(process, others, port))
                    rules = _match_rules(bus, process)
                    back.append(_back_ms(folder / "control.sock", recordings, port))
    rows = _rows(idle, reference, unasked, exporter, rules)
    return [
        *rows,
        _row(
            "P3 back",
            "GX service back on the bus to its value served",
            back,
            [500.0],
            1000.0,
            name="a scrape's interval",
        ),
    ]


def _rows(idle: list[Turn], reference: list[Turn], unasked: list[Turn], exporter: list[Turn], rules: int) -> list[Row]:
    def row(name: str, what: str, of, goal: float, unit: str = "ms") -> Row:
        values = [of(*turns) for turns in zip(exporter, unasked, idle, strict=True)]
        references = [of(*turns) for turns in zip(reference, [NOTHING] * REPEATS, idle, strict=True)]
        return _row(name, f"GX {what}", values, references, goal, unit)

    return [
        row("P3", "scrape p95", lambda turn, *_: turn.quantile_ms(0.95), 2.0),
        row("P3 p50", "scrape p50", lambda turn, *_: turn.quantile_ms(0.5), 2.0),
        row("P3 cpu", "reader's CPU per scrape", lambda turn, before, _: turn.reader_ms - before.reader_ms, 0.5),
        row("P3 added", "CPU per 500 ms of reader, services and daemon beyond idle", _added, 1.0),
        row("P3 rss", "reader's resident memory", lambda turn, *_: turn.rss_mib, 25.0, "MiB"),
        Row(
            "P3 rules", "GX match rules", rules, rules, rules, "rules",
            "the bus allows", 1024, round(rules / 1024, 4), 4, rules <= 4,
        ),
    ]  # fmt: skip


def _added(turn: Turn, _before: Turn, idle: Turn) -> float:
    return turn.reader_ms + turn.others_ms - idle.others_ms


def _row(
    row_id: str, what: str, values: list[float], references: list[float], goal: float,
    unit: str = "ms", name: str = "a GetValue for each path",
) -> Row:  # fmt: skip
    """A row whose goal is for the value itself."""
    value, reference = statistics.median(values), statistics.median(references)
    shown = [float(f"{number:.4g}") for number in (value, min(values), max(values), reference, value / reference)]
    return Row(row_id, what, *shown[:3], unit, name, *shown[3:], goal, value <= goal)


def _turn(reader: Process | None, others: list[int], port: int = 0) -> Turn:
    """Scrape the port every 500 ms over one connection; without a port wait as long."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    if port:
        _scrape(client)
    readers = [reader.pid] if reader else []
    before, times = (_cpu_ms(readers), _cpu_ms(others)), []
    due = time.monotonic()
    for _ in range(SCRAPES):
        due += EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))
        times.append(_scrape(client) if port else 0.0)
    after = _cpu_ms(readers), _cpu_ms(others)
    client.close()
    spent = [(late - early) / SCRAPES for early, late in zip(before, after, strict=True)]
    return Turn(times, *spent, _rss_mib(reader.pid) if reader else 0.0)


def _scrape(client: http.client.HTTPConnection) -> float:
    """Wall time of one scrape [ms]."""
    began = time.perf_counter()
    client.request("GET", "/metrics")
    body = client.getresponse().read()
    spent = (time.perf_counter() - began) * 1000
    if body.count(b"\n") < 30:
        raise RuntimeError(f"not what a scrape of the fast map gives: {body[:200]!r}")
    return spent


def _back_ms(control: Path, recordings: list[Recording], port: int) -> float:
    """Wall time from a service's return to its value in a scrape [ms]."""
    (service,) = (one.service for one in recordings if ".vebus." in one.service)
    url = f"http://127.0.0.1:{port}/metrics"

    def shown() -> bool:
        with urllib.request.urlopen(url, timeout=60) as reply:
            return b"\nvictron_ac_out_power{" in reply.read()

    ask(str(control), f"drop {service}")
    wait_until(lambda: not shown(), 60, "the service has gone")
    began = time.perf_counter()
    ask(str(control), f"restore {service}")
    wait_until(shown, 60, "the service is back", every=0.01)
    return (time.perf_counter() - began) * 1000


def _cpu_ms(pids: list[int]) -> float:
    """CPU that the processes have used [ms], to the nanosecond."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def _rss_mib(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def _match_rules(bus: dbus.Bus, process: Process) -> int:
    """How many rules the daemon holds for a process, by the daemon's own statistics."""
    ask = [
        "busctl",
        f"--address={bus.address}",
        "--json=short",
        "call",
        *["org.freedesktop.DBus", "/org/freedesktop/DBus"],
    ]
    stats = json.loads(run(*ask, "org.freedesktop.DBus.Debug.Stats", "GetAllMatchRules"))
    pids = {
        name: json.loads(run(*ask, "org.freedesktop.DBus", "GetConnectionUnixProcessID", "s", name))["data"][0]
        for name, rules in stats["data"][0].items()
        if rules
    }
    return sum(len(stats["data"][0][name]) for name, pid in pids.items() if pid == process.pid)


def _recordings() -> list[Recording]:
    folder = os.environ.get("OVR_GX_RECORDINGS")
    return [read(file.read_text(encoding="utf-8")) for file in Path(folder).glob("*.csv")] if folder else fleet()


@contextmanager
def _replay(folder: Path, bus: dbus.Bus, recordings: list[Recording]):
    files = [folder / f"{number}.csv" for number in range(len(recordings))]
    for file, recording in zip(files, recordings, strict=True):
        file.write_text(write(recording), encoding="utf-8")
    command = [dbus.PYTHON, "-m", "simulators.gx.replay", f"--bus={bus.address}"]
    command += [f"--control={folder / 'control.sock'}", *files]
    with _running(Process(command, folder / "replay.log", cwd=REPO), "services on") as process:
        yield process


@contextmanager
def _reference(folder: Path, bus: dbus.Bus, recordings: list[Recording]):
    paths, port = folder / "paths.json", free_port()
    paths.write_text(json.dumps(_mapped(recordings)))
    command = [dbus.PYTHON, READER, port, paths]
    with _running(Process(command, folder / f"reader-{port}.log", env=bus.env), "serving") as process:
        yield process, port


def _mapped(recordings: list[Recording]) -> list[list[str]]:
    """The paths that the fast map means, where they have a number: what the exporter serves a series of."""
    rows, _ = dbus2prom.parse_map(MAPS["fast"].read_text())
    found = {}
    for recording in recordings:
        kind = recording.service.split(".")[2]
        valid = {path for path, item in recording.start.items() if isinstance(item.read(None), int | float)}
        for row in rows:
            if row.kind == kind:
                found.update({(recording.service, path): None for _, path, _ in row.matches(valid)})
    return [list(key) for key in found]


@contextmanager
def _exporter(folder: Path, bus: dbus.Bus):
    port = free_port()
    views = ["--fast", f"{MAPS['fast']}:{port}", "--slow", f"{MAPS['slow']}:{free_port()}"]
    command = [dbus.PYTHON, PROGRAM, *views, "--listen", "127.0.0.1", "--bus", bus.address, "--load-limits", "999,999"]
    with _running(Process(command, folder / f"dbus2prom-{port}.log"), "serving on") as process:
        yield process, port


@contextmanager
def _running(process: Process, said: str):
    try:
        process.wait_ready(lambda: said in process.tail(), 60)
        yield process
    finally:
        process.stop()
