"""A discovery's result as an operator reads it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from .discover import Result
from .registry import Meter, place_name


def text(result: Result, with_diff: bool = False) -> str:
    """Meters, what else answered, what changes, what is wrong, and a last line with the sum of it."""
    parts = [
        _table("meters", [_meter_row(key, meter) for key, meter in sorted(result.plan.meters.items())]),
        _table("wiring", list(_wiring_rows(result))),
        _table("answers", [_finding_row(finding) for finding in result.findings]),
        _table("changes", [(change.meter, change.what, change.why) for change in result.plan.changes]),
        _table("problems", [(problem,) for problem in result.plan.problems]),
        _diff(result) if with_diff else "",
        _summary(result),
    ]
    return "\n\n".join(part for part in parts if part)


def _meter_row(key: str, meter: Meter) -> tuple[str, ...]:
    name = meter.system_id if meter.logger else "-"
    return (name, meter.state, place_name(*meter.place), key, meter.model or "-", f"seen {meter.last_seen}")


def _wiring_rows(result: Result) -> Iterable[tuple[str, ...]]:
    """What this look found of each meter that is polled, with the angles it goes by."""
    seen = {(finding.ip, finding.port, finding.unit): finding for finding in result.findings}
    for meter in sorted(result.plan.meters.values(), key=lambda meter: meter.system_id):
        if meter.is_polled and meter.place in seen:
            values = seen[meter.place].values
            angles = [f"{name[6:]} {values[name]:.0f}°" for name in values if name.startswith("angle_")]
            yield (meter.system_id, _wiring_verdict(meter), " ".join(angles))


def _wiring_verdict(meter: Meter) -> str:
    if not meter.wiring_judged:
        return "not judged: no load yet"
    return ", ".join(meter.wiring_faults) or "as it should be"


def _finding_row(finding) -> tuple[str, ...]:
    return (place_name(finding.ip, finding.port, finding.unit), finding.verdict, "; ".join(finding.evidence))


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]) for row in rows
    ]
    return f"{title}:\n" + "\n".join(f"  {line}" for line in lines)


def _diff(result: Result) -> str:
    return "\n".join(line for entry in result.diff() for line in _unified(**entry))


def _unified(before: str, after: str, before_header: str, after_header: str) -> Iterable[str]:
    return difflib.unified_diff(before.splitlines(), after.splitlines(), before_header, after_header, lineterm="")


def _summary(result: Result) -> str:
    files = result.files
    polled = sum(meter.is_polled for meter in result.plan.meters.values())
    would = "would be " if result.check_mode else ""
    return (
        f"{result.addresses} addresses in {result.seconds:.1f} s, {polled} meters active; files {would}added: "
        f"{len(files.added)}, changed: {len(files.changed)}, removed: {len(files.removed)}"
    )
