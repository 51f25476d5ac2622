"""`make bench`: measure the rows that exist and write build/bench.json; `make bench ONLY=P1` runs one."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

from tests.bench import discovery, event_start, gx_exporter, report
from tests.lab.cache import REPO
from tests.lab.progress import step
from tests.lab.shell import run

ROWS = {"P1": report.measure, "P2": discovery.measure, "P3": gx_exporter.measure, "P4": event_start.measure}
RESULT = REPO / "build" / "bench.json"


def main() -> int:
    options = _options()
    rows = []
    for row_id in [options.only] if options.only else ROWS:
        with step(f"bench {row_id}"):
            measured = ROWS[row_id]()
            rows += measured if isinstance(measured, list) else [measured]
    RESULT.parent.mkdir(exist_ok=True)
    content = {"commit": run("git", "-C", REPO, "rev-parse", "HEAD"), "machine": machine(), "rows": _dicts(rows)}
    RESULT.write_text(json.dumps(content, indent=2) + "\n")
    for row in rows:
        print(
            f"{row.id}  {row.what}: {row.value} {row.unit} [{row.value_min}, {row.value_max}], "
            f"{row.ratio} x {row.reference} ({row.reference_value} {row.unit}); "
            f"goal {row.goal}: {'met' if row.met else 'NOT met'}"
        )
    print(f"written: {RESULT.relative_to(REPO)}")
    return 0


def machine() -> str:
    """Processor, cores and kernel of the machine that measured."""
    with Path("/proc/cpuinfo").open() as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def _dicts(rows: list) -> list[dict]:
    return [row.as_dict() for row in rows]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="?", choices=[*ROWS, ""], default="", help="the one row to measure")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
