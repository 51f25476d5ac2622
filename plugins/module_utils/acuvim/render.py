"""Telegraf's file for each meter, from the Jinja template that the operator may change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import families, registers
from .durations import milliseconds
from .errors import AcuvimError
from .registry import Meter

HEADER = "Written by the Acuvim discovery: change the template or the targets, not this file."

_TIMEOUT_MAX_MS = 1000


@dataclass(frozen=True)
class Polling:
    """How often Telegraf reads, in Telegraf's words (200ms, 1s, 1m)."""

    interval: str = "1s"
    energy_interval: str = "10s"

    def __post_init__(self):
        milliseconds("interval", self.interval)
        milliseconds("energy_interval", self.energy_interval)


def render(meters: Iterable[Meter], template: str, polling: Polling) -> dict[str, str]:
    """Return the file of each meter by name; the same meters always give the same files."""
    compiled = _compile(template)
    return {f"{meter.system_id}.conf": _file(compiled, template, meter, polling) for meter in meters}


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


def _file(compiled, path: str, meter: Meter, polling: Polling) -> str:
    try:
        return compiled.render(header=HEADER, meter=meter, inputs=_inputs(meter, polling))
    except Exception as error:  # a template may fail in any way
        raise AcuvimError(f"{path}: fails for {meter.system_id} ({error}); correct the template") from error


def _inputs(meter: Meter, polling: Polling) -> list[dict[str, object]]:
    """What to poll, one dict for each of Telegraf's inputs: separate inputs fail separately."""
    family = families.of(meter.family)
    live = [_field(field, meter.block, meter.power_scale) for field in family.live_fields]
    inputs = [_input(meter.system_id, polling.interval, live, stays_connected=True)]
    if meter.has_energy:
        counters = [_field(field, family.energy.address, 1.0) for field in family.energy.fields]
        inputs.append(_input(f"{meter.system_id}_energy", polling.energy_interval, counters, stays_connected=False))
    return inputs


def _input(alias: str, interval: str, fields: list[dict[str, object]], stays_connected: bool) -> dict[str, object]:
    timeout = min(_TIMEOUT_MAX_MS, milliseconds("interval", interval) * 6 // 10)
    shared = {"alias": alias, "interval": interval, "timeout": f"{timeout}ms"}
    return {**shared, "fields": fields, "stays_connected": stays_connected}


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
