"""The demo's verdict: what was true, what was reported, how far apart, and what the report claimed."""

from __future__ import annotations

import json
from pathlib import Path

from simulators.scenario import Scenario
from tests.demo.event import Event

# The figure of a system that is held against the truth: the device's own total power, integrated.
HEADLINE = {"victron": "victron_total_power", "acuvim": "acuvim_real_power"}


def truth_wh(scenario: Scenario, event: Event, epoch_ns: int) -> dict[str, float]:
    """The analytic energy of each system over its part of the event [Wh]."""
    return {
        system: scenario.energy_wh(system, (start - epoch_ns) / 1e9, (event.end_ns - epoch_ns) / 1e9)
        for system, start in event.systems.items()
    }


def rows(report: dict, truth: dict[str, float]) -> list[dict]:
    """One row for each energy figure of the report, with the truth of its system beside it."""
    return [
        {
            "system_id": system["system_id"],
            "key": figure["key"],
            "unit": figure["unit"],
            "true": truth[system["system_id"]],
            "reported": figure["import"],
            "interval": figure["interval"],
            "headline": figure["key"] in HEADLINE.values(),
        }
        for system in report["systems"]
        for figure in system["energy"]
        if figure["unit"] == "Wh"
    ]


def error_pct(row: dict) -> float:
    return 100 * (row["reported"] - row["true"]) / row["true"]


def inside(row: dict) -> bool:
    low, high = row["interval"]
    return low <= row["true"] <= high


def table(wanted: list[dict], state: str) -> str:
    """The rows as text, saying which version of the report they are of."""
    lines = [
        f"Report: {state}, first version",
        f"{'system':11} {'figure':24} {'true Wh':>10} {'reported':>10} {'diff %':>8}  stated interval",
    ]
    for row in wanted:
        low, high = row["interval"]
        verdict = "holds the truth" if inside(row) else "MISSES the truth"
        lines.append(
            f"{row['system_id']:11} {row['key']:24} {row['true']:10.2f} {row['reported']:10.2f} "
            f"{error_pct(row):+8.3f}  [{low:.2f}, {high:.2f}] {verdict}"
        )
    return "\n".join(lines)


def write(path: Path, *, commit: str, seconds: float, event: Event, truth: dict, report: dict, wanted: list) -> None:
    """Write build/demo/result.json; its field names are a contract."""
    reported: dict[str, list] = {}
    for system in report["systems"]:
        reported[system["system_id"]] = [
            {"key": figure["key"], "value": figure["import"], "unit": figure["unit"]} for figure in system["energy"]
        ]
    content = {
        "commit": commit,
        "seconds": round(seconds, 1),
        "event_id": event.event_id,
        "report_url": event.report_url,
        "truth_wh": truth,
        "reported": reported,
        "error_pct": {row["system_id"]: error_pct(row) for row in wanted if row["headline"]},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")
