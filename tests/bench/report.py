"""P1: a complete report, beside merely reading the same samples as JSON lines into memory."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from event_service.reports import make
from event_service.reports.model import ReportRequest, SystemSpan
from simulators.replay import series
from simulators.scenario import Scenario
from tests.bench.row import Row, compare
from tests.lab.cache import REPO
from tests.parts import victoria_metrics

HOURS = 6
SYSTEM = "rig_01"
GOAL = 3.5  # with the JSON path; the native path will have to reach 1.0


def measure() -> Row:
    """Time to make a report of six hours at 2 Hz as a multiple of reading /api/v1/export of the same selection."""
    start_s = float(int(time.time()) - HOURS * 3600 - 120)
    end_s = start_s + HOURS * 3600
    with tempfile.TemporaryDirectory(dir=REPO / "build") as scratch, victoria_metrics.running(Path(scratch)) as metrics:
        _fill(metrics, start_s, end_s)
        return compare(
            "P1", f"report of {HOURS} h at 2 Hz", _report(metrics.url, Path(scratch), start_s, end_s),
            "reading /api/v1/export of the same system", _export(metrics.url, start_s, end_s), GOAL,
        )  # fmt: skip


def _fill(metrics: victoria_metrics.VictoriaMetrics, start_s: float, end_s: float) -> None:
    scenario = Scenario.load(REPO / "simulators" / "scenarios" / "ramps.json")
    for labels, times_ms, values in series(scenario, SYSTEM, start_s, end_s):
        metrics.import_samples(labels, times_ms, values)
    metrics.flush()


def _report(url: str, folder: Path, start_s: float, end_s: float):
    request = ReportRequest(
        event_id="bench",
        run_id="bench",
        version=1,
        start_ns=int(start_s * 1e9),
        end_ns=int(end_s * 1e9),
        timezone="UTC",
        created_ns=int(end_s * 1e9),
        systems=(SystemSpan(SYSTEM, None, int(start_s * 1e9), int(end_s * 1e9)),),
        notes=(),
    )

    def run() -> None:
        out = folder / "report"
        shutil.rmtree(out, ignore_errors=True)
        make(request, query_url=url, out=out, now_ns=int(end_s * 1e9) + 60_000_000_000, versions={})
        json.loads((out / "data.json").read_text())

    return run


def _export(url: str, start_s: float, end_s: float):
    query = urllib.parse.urlencode({"match[]": f'{{system_id="{SYSTEM}"}}', "start": start_s, "end": end_s})

    def run() -> None:
        with urllib.request.urlopen(f"{url}/api/v1/export?{query}", timeout=120) as reply:
            if not reply.read():
                raise RuntimeError("nothing was exported: the reference is void")

    return run
