"""Telegraf's file for each meter, from the Jinja template that the operator may change."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from . import families, registers
from .durations import milliseconds
from .errors import AcuvimError
from .polling import BURST_INTERVAL, Polling
from .registry import Meter
from .targets import Line, Targets

HEADER = "Written by the Acuvim discovery: change the template or the targets, not this file."

_TIMEOUT_MAX_MS = 1000


def render(meters: Iterable[Meter], template: str, polling: Polling, targets: Targets) -> dict[str, str]:
    """Return the file of each meter by name; the same meters always give the same files."""
    compiled = _compile(template)
    inputs = {meter.system_id: (meter, _inputs(meter, polling, targets.line_for(*meter.place))) for meter in meters}
    return {f"{name}.conf": _file(compiled, template, *what) for name, what in inputs.items()}


def _compile(path: str):
    try:
        import jinja2
    except ImportError as error:
        raise AcuvimError("Jinja is missing: install the Debian package python3-jinja2") from error
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    try:
        return environment.from_string(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise AcuvimError(f"{path}: cannot read the template ({error.strerror}); run the role acuvim again") from error
    except jinja2.TemplateSyntaxError as error:
        raise AcuvimError(f"{path} line {error.lineno}: {error.message}") from error


def _file(compiled, path: str, meter: Meter, inputs: list[dict[str, object]]) -> str:
    try:
        return compiled.render(header=HEADER, meter=meter, inputs=inputs)
    except Exception as error:  # a template may fail in any way
        raise AcuvimError(f"{path}: fails for {meter.system_id} ({error}); correct the template") from error


def _inputs(meter: Meter, polling: Polling, line: Line | None) -> list[dict[str, object]]:
    """What to poll, one dict for each of Telegraf's inputs: separate inputs fail separately."""
    family = families.of(meter.family)
    live = [_field(field, meter.block, meter.power_scale) for field in family.live_fields]
    inputs = [_input(meter.system_id, polling.interval_of(meter.ip, line), live)]
    if meter.has_fast_read and family.fast_read and polling.is_burst(line):
        fast = _slow_fields(meter, family.fast_read)
        for field in live:
            # Both would be one series: the burst has the newer value.
            field["omit"] = field["omit"] or field["name"] in {one["name"] for one in fast}
        inputs.append(_input(f"{meter.system_id}_burst", BURST_INTERVAL, fast))
    return inputs + _slow_inputs(meter, family, polling.energy_interval)


def _slow_inputs(meter: Meter, family: families.Family, interval: str) -> list[dict[str, object]]:
    """What a meter has beside its live values, one after the other within the interval: it has few connections."""
    parts = {"energy": meter.has_energy, "demand": meter.has_demand, "thd": meter.has_thd}
    names = [name for name, answers in parts.items() if answers]
    step_ms = milliseconds("energy_interval", interval) // 4
    return [
        _input(f"{meter.system_id}_{name}", interval, _slow_fields(meter, getattr(family, name)), place * step_ms)
        for place, name in enumerate(names)
    ]


def _slow_fields(meter: Meter, part: families.Slow) -> list[dict[str, object]]:
    return [_field(field, part.address, meter.power_scale) for field in part.fields]


def _input(
    alias: str, interval: str, fields: list[dict[str, object]], offset_ms: int | None = None
) -> dict[str, object]:
    """One input; with an offset into the interval it gives its connection back after each read."""
    timeout = min(_TIMEOUT_MAX_MS, milliseconds("interval", interval) * 6 // 10)
    shared = {"alias": alias, "interval": interval, "timeout": f"{timeout}ms", "fields": fields}
    return {**shared, "offset": f"{offset_ms}ms" if offset_ms else "", "stays_connected": offset_ms is None}


def _field(field: registers.Field, block: int, power_scale: float | None) -> dict[str, object]:
    """One field; power of a meter that has not shown its unit is read, but not published."""
    scale = field.factor * (power_scale or 1.0) if field.is_power else field.factor
    return {
        "name": field.name,
        "address": block + field.offset,
        "type": field.kind,
        "scale": scale,
        "omit": field.is_filler or (field.is_power and power_scale is None),
    }
