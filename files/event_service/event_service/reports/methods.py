"""The ways to an energy that each family of devices allows, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from event_service.reports import interval
from event_service.reports.devices import ACUVIM, APPARENT_POWER, VICTRON, Device, settle_refresh
from event_service.reports.energy import Energy, integrate
from event_service.reports.interval import Refresh, Uncertainty
from event_service.reports.series import EMPTY, Series, total

AGREE_RATIO = 0.01
AGREE_MISSING_S = 1.0


@dataclass(frozen=True)
class Method:
    """`parts` are the series whose sum is the power; `unit` is that of the energy, Wh or VAh."""

    key: str
    label: str
    unit: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """An energy by one method over the event, with its half-widths [Wh or VAh]."""

    method: Method
    power: Series
    energy: Energy
    uncertainty: Uncertainty
    refresh: Refresh
    resolution: float


def methods_of(device: Device) -> tuple[Method, ...]:
    """The methods for a device, the one to be shown first in front. A new method is a new row."""
    unit = "VAh" if device.power_is_apparent else "Wh"
    if device.profile is VICTRON:
        phases = tuple(VICTRON.phase_power[phase] for phase in device.phases)
        return (
            Method("victron_total_power", "Total power", unit, (VICTRON.total,)),
            Method("victron_phase_sum", "Sum of phases", unit, phases),
            Method("victron_apparent_power", "Apparent power", "VAh", (APPARENT_POWER,)),
        )
    if device.profile is ACUVIM:
        return (Method("acuvim_real_power", "Real power", unit, (ACUVIM.total,)),)
    return ()


def measure(method: Method, series: Mapping[str, Series], device: Device, end: float) -> Measured | None:
    """The energy in [0, end] [s] by one method; None if a series that it needs holds no sample there."""
    parts = [series.get(name, EMPTY) for name in method.parts]
    if not parts or not all(len(part.between(0, end)) for part in parts):
        return None
    power = parts[0] if len(parts) == 1 else total(parts)
    refreshes = [_refresh(part, series, device) for part in parts]
    return Measured(
        method,
        power,
        integrate(power, 0, end),
        interval.add([interval.uncertainty(p, 0, end, r) for p, r in zip(parts, refreshes, strict=True)]),
        max(refreshes, key=lambda refresh: refresh.period_s),
        max(interval.resolution(part) for part in parts),
    )


def agreement(results: Sequence[Measured], of: Measured) -> tuple[list[str], list[str]]:
    """Keys of the methods of the same unit that agree with `of`, and of those that differ.

    They agree when they are no further apart than both half-widths and 1 % of the larger. Methods that
    miss different parts of the event are not compared.
    """
    comparable = [r for r in results if r is not of and r.method.unit == of.method.unit and _same_time(r, of)]
    agreeing = [r for r in comparable if _close(r, of)]
    keys = {True: [], False: []}
    for result in comparable:
        keys[result in agreeing].append(result.method.key)
    return keys[True], keys[False]


def _same_time(a: Measured, b: Measured) -> bool:
    allowed = AGREE_MISSING_S + AGREE_RATIO * a.energy.measured_s
    return abs(a.energy.missing_s - b.energy.missing_s) <= allowed


def _close(a: Measured, b: Measured) -> bool:
    larger = max(abs(a.energy.net_wh), abs(b.energy.net_wh))
    allowed = a.uncertainty.half + b.uncertainty.half + AGREE_RATIO * larger
    return abs(a.energy.net_wh - b.energy.net_wh) <= allowed


def _refresh(part: Series, series: Mapping[str, Series], device: Device) -> Refresh:
    """Seen in the series itself, else in its device's other power series, else as the family does it."""
    profile = device.profile
    others = [series[name] for name in (profile.total, *profile.phase_power.values()) if name in series]
    return settle_refresh(interval.refresh([part, *others], profile.refresh_s), profile)
