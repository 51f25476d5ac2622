"""What kind of device a system is, told from the series that hold data, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from event_service.reports.interval import Refresh
from event_service.reports.series import Series

NOMINAL_V = (120, 208, 230, 240, 277, 400)
LIVE_V = 30.0
# Between 1.73 (phases 120 degrees apart) and 2 (opposed legs).
SPLIT_RATIO = 1.87


@dataclass(frozen=True)
class Profile:
    """What is known of a family of devices before looking at its samples.

    `class_percent` and `class_source`: how far its readings may be off, and how we know. `refresh_s` is
    assumed where samples do not show it; `fast_refresh_s` is true of a source seen faster than that.
    """

    family: str
    name: str
    total: str
    phase_power: Mapping[str, str]
    phase_voltage: Mapping[str, str]
    class_percent: float
    class_source: str
    refresh_s: float
    fast_refresh_s: float | None = None


VICTRON = Profile(
    family="victron",
    name="Victron inverter/charger",
    total="victron_ac_out_power",
    phase_power={f"L{n}": f"victron_ac_out_l{n}_p" for n in (1, 2, 3)},
    phase_voltage={f"L{n}": f"victron_ac_out_l{n}_v" for n in (1, 2, 3)},
    class_percent=5.0,
    class_source=(
        "assumed: no class is published; Victron's GX manual calls these readings best effort, "
        "not those of a measuring instrument"
    ),
    # mk2 devices in dbus-recorder's recordings change power 0.40 to 0.43 times a second.
    refresh_s=2.5,
)
ACUVIM = Profile(
    family="acuvim",
    name="Acuvim power meter",
    total="acuvim_P",
    phase_power={"A": "acuvim_Pa", "B": "acuvim_Pb", "C": "acuvim_Pc"},
    phase_voltage={"A": "acuvim_Va", "B": "acuvim_Vb", "C": "acuvim_Vc"},
    class_percent=0.5,
    class_source="assumed: a meter of class 0.5 or better; its current transformers are not included",
    # The register blocks are refreshed every 1 s (0x4000) or every 100 ms (0x3000).
    refresh_s=1.0,
    fast_refresh_s=0.1,
)
PROFILES = (VICTRON, ACUVIM)

LINE_VOLTAGE = "acuvim_Vab"
POWER_TYPE = "victron_ac_power_measurement_type"
APPARENT_POWER = "victron_ac_out_apparent"


@dataclass(frozen=True)
class Device:
    """A recognised device; `profile` is None for an unknown one. `evidence` are sentences."""

    profile: Profile | None
    phases: tuple[str, ...] = ()
    configuration: str = "unknown"
    nominal_voltage: int | None = None
    power_is_apparent: bool = False
    evidence: tuple[str, ...] = field(default=())

    @property
    def family(self) -> str:
        return self.profile.family if self.profile else "unknown"


def power_names() -> tuple[str, ...]:
    """Every series that a report integrates."""
    return (*(name for p in PROFILES for name in (p.total, *p.phase_power.values())), APPARENT_POWER)


def names() -> tuple[str, ...]:
    """Every series that a report reads."""
    voltages = (name for p in PROFILES for name in p.phase_voltage.values())
    return (*power_names(), *voltages, LINE_VOLTAGE, POWER_TYPE)


def detect(series: Mapping[str, Series]) -> Device:
    """Tell the device from its series (name to samples in the event); both families: the one with more."""
    held = {name: samples for name, samples in series.items() if len(samples)}
    found = [p for p in PROFILES if p.total in held or any(n in held for n in p.phase_power.values())]
    if not found:
        return Device(None, evidence=("No power series of a known device: nothing to measure energy by.",))
    profile = max(found, key=lambda p: sum(len(held.get(n, ())) for n in (p.total, *p.phase_power.values())))
    phases = tuple(phase for phase in profile.phase_power if _live(profile, phase, held))
    volts = [_median(held[profile.phase_voltage[p]]) for p in phases if profile.phase_voltage[p] in held]
    nominal = _nominal(volts)
    configuration, why = _configuration(phases, nominal, held)
    apparent = POWER_TYPE in held and _median(held[POWER_TYPE]) == 0
    return Device(
        profile,
        phases,
        configuration,
        nominal,
        apparent,
        (_found_by(profile, found, held), *_voltages(volts, nominal), why, *_apparent(apparent)),
    )


def settle_refresh(refresh: Refresh, profile: Profile) -> Refresh:
    """What a seen refresh says about a family with a fast and a slow register block."""
    if profile.fast_refresh_s and refresh.seen and refresh.period_s < 0.8 * profile.refresh_s:
        return Refresh(profile.fast_refresh_s, refresh.seen)
    return refresh


def _live(profile: Profile, phase: str, held: Mapping[str, Series]) -> bool:
    """A phase with voltage; where no voltage is known, one whose power was ever other than 0."""
    volts, watts = held.get(profile.phase_voltage[phase]), held.get(profile.phase_power[phase])
    if volts is not None:
        return _median(volts) > LIVE_V
    return watts is not None and bool(np.any(watts.v != 0))


def _median(series: Series) -> float:
    return float(np.median(series.v))


def _nominal(volts: list[float]) -> int | None:
    return min(NOMINAL_V, key=lambda nominal: abs(nominal - np.median(volts))) if volts else None


def _configuration(phases: tuple[str, ...], nominal: int | None, held: Mapping[str, Series]) -> tuple[str, str]:
    """The wiring in words and the sentence that says why."""
    if len(phases) == 2:
        return _two_phases(phases, nominal, held)
    names = {0: "unknown", 1: "single phase", 3: "three phase"}
    which = ", ".join(phases) or "no phase"
    return names[len(phases)], f"Per-phase series hold data for {which}."


def _two_phases(phases: tuple[str, ...], nominal: int | None, held: Mapping[str, Series]) -> tuple[str, str]:
    """Two legs are split phase (legs opposed) or two phases of three (120 degrees apart)."""
    which = f"Per-phase series hold data for {phases[0]} and {phases[1]}"
    if LINE_VOLTAGE in held and "acuvim_Va" in held:
        ratio = _median(held[LINE_VOLTAGE]) / max(_median(held["acuvim_Va"]), 1.0)
        kind = "split phase" if ratio > SPLIT_RATIO else "two phases of three"
        return kind, f"{which}; between them {ratio:.2f} times the voltage of one: {kind}."
    if nominal == 120:
        return "split phase", f"{which} at 120 V: taken for split phase (their angle is not measured)."
    return "two phases of three", f"{which} (their angle is not measured)."


def _found_by(profile: Profile, found: list[Profile], held: Mapping[str, Series]) -> str:
    name = profile.total if profile.total in held else next(n for n in profile.phase_power.values() if n in held)
    others = ", ".join(p.name for p in found if p is not profile)
    also = f" There are series of another kind too ({others}): not used." if others else ""
    return f"{profile.name}, by the series {name}.{also}"


def _voltages(volts: list[float], nominal: int | None) -> tuple[str, ...]:
    if not volts:
        return ("No voltage was measured: nominal voltage unknown.",)
    measured = ", ".join(f"{v:.1f} V" for v in volts)
    return (f"Median voltage {measured}: nominal {nominal} V.",)


def _apparent(apparent: bool) -> tuple[str, ...]:
    if not apparent:
        return ()
    return ("PowerMeasurementType is 0: this device reports apparent power as power, so energy is in VAh.",)
