"""One system of an event: from its samples to its part of data.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from event_service.reports import methods
from event_service.reports.devices import Device, detect, power_names
from event_service.reports.energy import integrate
from event_service.reports.methods import Measured
from event_service.reports.model import SystemSpan
from event_service.reports.power import power_of
from event_service.reports.quality import Quality, quality
from event_service.reports.series import EMPTY, Series
from event_service.reports.trim import Trim, trim

NS_PER_S = 10**9
UNCHANGED_S = 120.0


@dataclass(frozen=True)
class Analysed:
    """`document` is this system's entry in data.json; the rest is what its chart shows, times in s."""

    document: dict
    power: Series
    phases: dict[str, Series]
    gaps: tuple[tuple[float, float], ...]
    idle: tuple[tuple[float, float], ...]
    end: float


def analyse(span: SystemSpan, series: Mapping[str, Series], remarks: Sequence[str] = ()) -> Analysed:
    """Everything about one system. `series` hold times in s since the span's start, with margins.

    `remarks` are sentences of earlier steps to be listed with the findings.
    """
    end = (span.end_ns - span.start_ns) / NS_PER_S
    device = detect({name: samples.between(0, end) for name, samples in series.items()})
    results = [r for m in methods.methods_of(device) if (r := methods.measure(m, series, device, end))]
    power = results[0].power if results else EMPTY
    trimmed = trim(power, 0.0, end)
    measured = quality(power, 0.0, end, trimmed.threshold_w)
    phases = _phase_power(device, series)
    document = {
        "system_id": span.system_id,
        "location": span.location,
        "start_ns": span.start_ns,
        "end_ns": span.end_ns,
        "device": device.family,
        "device_name": device.profile.name if device.profile else "Unknown device",
        "evidence": list(device.evidence),
        "phases": len(device.phases),
        "phase_names": list(device.phases),
        "phase_configuration": device.configuration,
        "nominal_voltage": device.nominal_voltage,
        "trim": _trim(trimmed, span),
        "energy": [_energy(result, results, device, trimmed) for result in results],
        "power": _power(power, phases, trimmed, span, end),
        "quality": _quality(measured, span),
        "watermarks": {name: _ns(span, series[name].t[-1]) for name in power_names() if len(series.get(name, ()))},
        "findings": [*remarks, *_findings(measured, results)],
    }
    return Analysed(document, power, phases, measured.gaps, _idle(trimmed, end), end)


def _phase_power(device: Device, series: Mapping[str, Series]) -> dict[str, Series]:
    if not device.profile:
        return {}
    wanted = {phase: device.profile.phase_power[phase] for phase in device.phases}
    return {phase: series[name] for phase, name in wanted.items() if name in series}


def _active(trimmed: Trim) -> list[tuple[float, float]]:
    """The active window without the idle runs in it."""
    if trimmed.start is None:
        return []
    edges = [trimmed.start, *(t for run in trimmed.idle for t in run), trimmed.end]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _idle(trimmed: Trim, end: float) -> tuple[tuple[float, float], ...]:
    if trimmed.start is None:
        return ((0.0, end),)
    ends = ((0.0, trimmed.start), (trimmed.end, end))
    return tuple(run for run in (ends[0], *trimmed.idle, ends[1]) if run[1] > run[0])


def _ns(span: SystemSpan, t: float | None) -> int | None:
    return None if t is None else span.start_ns + round(t * NS_PER_S)


def _spans(span: SystemSpan, runs: Sequence[tuple[float, float]]) -> list[dict]:
    return [{"start_ns": _ns(span, a), "end_ns": _ns(span, b)} for a, b in runs]


def _trim(trimmed: Trim, span: SystemSpan) -> dict:
    return {
        "start_ns": _ns(span, trimmed.start),
        "end_ns": _ns(span, trimmed.end),
        "cut_s": trimmed.cut_s,
        "threshold_w": trimmed.threshold_w,
        "idle": _spans(span, trimmed.idle),
    }


def _energy(result: Measured, results: Sequence[Measured], device: Device, trimmed: Trim) -> dict:
    agreeing, differing = methods.agreement(results, result)
    base = {
        "key": result.method.key,
        "label": result.method.label,
        "unit": result.method.unit,
        "measured_s": result.energy.measured_s,
        "missing_s": result.energy.missing_s,
        "refresh": asdict(result.refresh),
        "resolution": result.resolution,
        "agrees_with": agreeing,
        "differs_from": differing,
    }
    if not result.energy.measured_s:
        return base | {"import": None, "export": None, "interval": None, "export_interval": None}
    return base | _amounts(result, device, trimmed)


def _amounts(result: Measured, device: Device, trimmed: Trim) -> dict:
    energy, half = result.energy, result.uncertainty.half
    return {
        "import": energy.import_wh,
        "export": energy.export_wh,
        "interval": [max(0.0, energy.import_wh - half), energy.import_wh + half],
        "export_interval": _export_interval(energy.export_wh, half),
        "uncertainty": asdict(result.uncertainty) | {"half": half},
        "device_class": {
            "percent": device.profile.class_percent,
            "half": (energy.import_wh + energy.export_wh) * device.profile.class_percent / 100,
            "source": device.profile.class_source,
        },
        "active": _active_energy(result.power, trimmed),
    }


def _export_interval(export: float, half: float) -> list[float]:
    return [max(0.0, export - half), export + half] if export else [0.0, 0.0]


def _active_energy(power: Series, trimmed: Trim) -> dict:
    """Energy of the active window, idle runs inside it included."""
    if trimmed.start is None:
        return {"import": 0.0, "export": 0.0}
    energy = integrate(power, trimmed.start, trimmed.end)
    return {"import": energy.import_wh, "export": energy.export_wh}


def _power(power: Series, phases: Mapping[str, Series], trimmed: Trim, span: SystemSpan, end: float) -> dict:
    figures = power_of(power, 0.0, end, _active(trimmed))
    each = {phase: power_of(series, 0.0, end, ()) for phase, series in phases.items()}
    return {
        "peak_w": figures.peak,
        "peak_ns": _ns(span, figures.peak_at),
        "p999_w": figures.p999,
        "lowest_w": figures.lowest,
        "avg_w": figures.average,
        "active_avg_w": figures.average_active,
        "phases": [{"phase": name, "avg_w": f.average, "peak_w": f.peak} for name, f in each.items()],
    }


def _quality(measured: Quality, span: SystemSpan) -> dict:
    spans = {"gaps": _spans(span, measured.gaps), "overlaps": _spans(span, measured.overlaps)}
    return asdict(measured) | spans


def _findings(measured: Quality, results: Sequence[Measured]) -> list[str]:
    """What a reader should know before trusting the figures, most important first."""
    if not measured.received:
        return ["No sample of a power series lies in this event: no energy can be stated."]
    found = []
    if measured.missing_s >= 0.001:
        found.append(
            f"{measured.missing_s:.1f} s of the event were not measured. They are in no figure: the energy "
            "and its interval cover the measured part only."
        )
    if measured.overlaps:
        found.append("There are more samples than the collector takes in a time: was the clock set back?")
    if measured.unchanged_s >= UNCHANGED_S:
        found.append(
            f"The value did not change at all for {measured.unchanged_s:.0f} s: a very steady load, or a "
            "source that had stopped refreshing."
        )
    _, differing = methods.agreement(results, results[0])
    if differing:
        found.append(f"Methods that should agree do not: {results[0].method.key} and {', '.join(differing)}.")
    return found
