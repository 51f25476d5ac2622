"""How a meter is set up and wired, as its own registers have it: wiring, transformers, angles."""

from __future__ import annotations

from .families import Family
from .physics import Values
from .probe import Image
from .registers import SUNSPEC

_VOLTAGE_WIRING = ("3LN", "3LL", "2LL", "1LN", "1LL")
_CURRENT_WIRING = ("3CT", "2CT", "1CT")
_SUNSPEC_WIRING = {201: "1LN", 202: "2LL", 203: "3LN", 204: "3LL"}
# What the secondary side of a voltage transformer carries [V].
_SECONDARY_V = (90.0, 130.0)


def settings(image: Image, family: Family, values: Values) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return wiring, ct and pt as texts, empty for what was not read or cannot be, and the evidence for them."""
    words = image.words.get(family.settings) if family.settings is not None else None
    if not words:
        return _of_sunspec(image)
    voltage, current, pt_high, pt_low, pt_secondary, ct_primary, ct_secondary = words
    pt = _ratio((pt_high << 16) + pt_low, pt_secondary)
    found = {"wiring": _wiring(voltage, current), "ct": _ratio(ct_primary, ct_secondary), "pt": pt}
    shown = ", ".join(f"{name} {value or 'unreadable'}" for name, value in found.items())
    doubt = f" ({family.settings_doubt})" if family.settings_doubt else ""
    said = [f"{shown} at {family.settings:#06x}{doubt}"]
    if pt and (pt_high << 16) + pt_low > pt_secondary and (volts := _secondary(values)):
        said.append(f"{volts:.4g} V behind a transformer of {pt}: these may be secondary values")
    return found, tuple(said)


def angles(image: Image, family: Family) -> dict[str, float]:
    """Angles of voltages and currents to Va [°] by name; empty where the meter has none."""
    part = family.angles
    if part is None or part.address not in image.words:
        return {}
    words = image.words[part.address]
    return {field.name: words[field.offset] * field.factor for field in part.fields}


def _of_sunspec(image: Image) -> tuple[dict[str, str], tuple[str, ...]]:
    """The wiring alone, which a SunSpec block ends with."""
    wiring = _SUNSPEC_WIRING.get(image.words.get(SUNSPEC, (0,))[-1])
    return ({"wiring": wiring}, (f"wiring {wiring} by its SunSpec block",)) if wiring else ({}, ())


def _wiring(voltage: int, current: int) -> str:
    if voltage >= len(_VOLTAGE_WIRING) or current >= len(_CURRENT_WIRING):
        return ""
    return f"{_VOLTAGE_WIRING[voltage]} {_CURRENT_WIRING[current]}"


def _ratio(primary: int, secondary: int) -> str:
    return f"{primary}/{secondary}" if primary and secondary else ""


def _secondary(values: Values) -> float | None:
    """The voltage that looks like the secondary side's."""
    low, high = _SECONDARY_V
    return next((values[name] for name in ("Va", "Vab") if low <= values[name] <= high), None)
