"""report.html: the same facts for people. One file, no script, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from event_service.reports import chart, words
from event_service.reports.analysis import Analysed
from event_service.reports.energy import SECONDS_PER_HOUR, integrate
from event_service.reports.words import NS_PER_S, Clock

HERE = Path(__file__).parent
ROWS = 24
ROW_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def render(whole: Mapping, analysed: Sequence[Analysed]) -> str:
    """The page for a data.json document and the series behind it."""
    clock = words.clock(whole["event"]["timezone"])
    style = (HERE / "report.css").read_text(encoding="utf-8")
    notes = [{**note, "number": number} for number, note in enumerate(whole["notes"], 1)]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=whole,
            clock=clock,
            words=words,
            style=Markup(style),
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            notes=notes,
            systems=[_system(number, one, notes, clock) for number, one in enumerate(analysed, 1)],
            locations=list(dict.fromkeys(s["location"] for s in whole["systems"] if s["location"])),
        )
    )


def _environment() -> Environment:
    """Every value is escaped, and shows what would otherwise hide in it."""
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: words.visible(value) if type(value) is str else value,
    )


def _system(number: int, one: Analysed, notes: Sequence[Mapping], clock: Clock) -> dict:
    facts = one.document
    unit = facts["energy"][0]["unit"].removesuffix("h") if facts["energy"] else "W"
    text = _summary(facts, unit, clock)
    return {
        "facts": facts,
        "unit": unit,
        "headline": _headline(facts),
        "summary": text,
        "chart": Markup(_chart(number, one, notes, clock, unit, text)) if len(one.power) else None,
        "rows": _rows(one, clock),
    }


def _headline(facts: Mapping) -> dict | None:
    """The one number that matters: what the load took, or gave if it only gave."""
    measured = [e for e in facts["energy"] if e["import"] is not None]
    if not measured:
        return None
    first = measured[0]
    gave = first["export"] > first["import"]
    low, high = first["export_interval" if gave else "interval"]
    value = first["export" if gave else "import"]
    shown, half, unit = words.with_half(value, first["uncertainty"]["half"], first["unit"])
    return {
        "entry": first,
        "word": "Energy fed back" if gave else "Energy used",
        "value": shown,
        "half": half,
        "unit": unit,
        "low": words.quantity(low, first["unit"]),
        "high": words.quantity(high, first["unit"]),
    }


def _chart(number: int, one: Analysed, notes: Sequence[Mapping], clock: Clock, unit: str, text: str) -> str:
    start_ns = one.document["start_ns"]
    local = clock.at(start_ns)
    plot = chart.Plot(
        power=one.power,
        end=one.end,
        phases=one.phases,
        gaps=one.gaps,
        idle=one.idle,
        notes=[(n["number"], t) for n in notes if 0 <= (t := (n["ts_ns"] - start_ns) / NS_PER_S) <= one.end],
        clock=lambda t: _tick(clock, start_ns + round(t * NS_PER_S), one.end),
        day_second=local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6,
        unit=unit,
    )
    return chart.draw(plot, f"c{number}", f"Power of {words.visible(one.document['system_id'])} over time", text)


def _tick(clock: Clock, ns: int, seconds: float) -> str:
    local = clock.at(ns)
    if seconds > 2 * 86400:
        return f"{local:%d %b}" if (local.hour, local.minute) == (0, 0) else f"{local:%d %b %H:%M}"
    return f"{local:%H:%M:%S}" if seconds < 600 else f"{local:%H:%M}"


def _summary(facts: Mapping, unit: str, clock: Clock) -> str:
    power = facts["power"]
    if power["peak_w"] is None:
        return "No power was measured."
    return (
        f"Highest sample {words.quantity(power['peak_w'], unit)} at {clock.time(power['peak_ns'])}, "
        f"lowest {words.quantity(power['lowest_w'], unit)}, "
        f"average {words.quantity(power['avg_w'], unit)}."
    )


def _rows(one: Analysed, clock: Clock) -> list[dict]:
    """Readings at even steps of time for those who read tables: at most 24 rows."""
    step = next((s for s in ROW_STEPS_S if one.end / s <= ROWS), max(one.end / ROWS, 1.0))
    rows = []
    for number in range(ROWS):
        a, b = number * step, min((number + 1) * step, one.end)
        if a >= one.end:
            break
        rows.append(_row(one, a, b) | {"time": clock.time(one.document["start_ns"] + round(a * NS_PER_S))})
    return rows


def _row(one: Analysed, a: float, b: float) -> dict:
    inside, energy = one.power.between(a, b), integrate(one.power, a, b, one.document["quality"]["gap_s"])
    if not len(inside) or not energy.measured_s:
        return {"mean": None, "low": None, "high": None}
    return {
        "mean": energy.net_wh * SECONDS_PER_HOUR / energy.measured_s,
        "low": float(inside.v.min()),
        "high": float(inside.v.max()),
    }
