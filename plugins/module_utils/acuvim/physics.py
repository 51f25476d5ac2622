"""Whether a block of numbers can be one AC measurement: its redundant values must agree with each other.

Averages, sums and ratios are hard to meet by accident; "a plausible voltage" is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import fmean

FREQUENCY_HZ = (45.0, 65.0)
TOLERANCE = 0.02

# Below this much apparent power [VA] ratios of powers are noise.
LOAD_FLOOR_VA = 1.0
POWER_UNITS = {1.0: "W", 1000.0: "kW"}

_LINES = ("Vab", "Vbc", "Vca")
_MEANS = {"Vln": ("Va", "Vb", "Vc"), "Vll": _LINES, "I": ("Ia", "Ib", "Ic")}

# Checks that no number but a voltage passes.
_OF_VOLTAGE = ("Vln", "Vll", *_LINES, "S")

Values = Mapping[str, float]
# Accepted, rejected, or None without any signal; and the evidence.
Judgement = tuple[bool | None, tuple[str, ...]]


def judge(values: Values) -> Judgement:
    """Return whether the live values are physically one, with the evidence; None without any signal."""
    if not all(math.isfinite(value) for value in values.values()):
        return False, ("some values are not numbers",)
    if _is_dead(values):
        return None, ("all values are 0",)
    if len(set(values.values())) == 1:
        return False, ("all values are the same",)
    checks = list(_checks(values))
    voltage_agrees = any(holds for name, holds, _ in checks if name in _OF_VOLTAGE)
    accepted = voltage_agrees and not any(holds is False for _, holds, _ in checks)
    said = tuple(said for _, holds, said in checks if holds is accepted)
    return accepted, said or ("no voltage to judge",)


def judge_dc(values: Values) -> Judgement:
    """Return whether V [V], I [A] and P [kW] are one direct current measurement."""
    volts, amperes, kilowatts = values["V"], values["I"], values["P"]
    if not all(math.isfinite(value) for value in values.values()) or abs(volts * amperes) < LOAD_FLOOR_VA:
        return False, ("no direct current to judge",)
    holds = abs(kilowatts * 1000 - volts * amperes) <= TOLERANCE * abs(volts * amperes)
    return holds, (f"P = {kilowatts:.4g} kW {'is' if holds else 'is not'} V·I of {volts:.4g} V and {amperes:.4g} A",)


def has_frequency(values: Values) -> bool:
    """Whether the frequency is that of a public or generator network."""
    low, high = FREQUENCY_HZ
    return low <= values["F"] <= high


def power_scale(values: Values) -> tuple[float | None, str]:
    """Return W per unit of the power registers, settled by S against V·I; None while there is no load.

    Needs every phase value of V, I and S; an average that a family does not have is taken from its parts.
    """
    volt_amperes, registered = _apparent(values)
    if volt_amperes < LOAD_FLOOR_VA:
        return None, f"power unit unsettled: {volt_amperes:.2f} VA is too little load"
    ratio = registered / volt_amperes
    for scale, unit in POWER_UNITS.items():
        if 0.5 < ratio * scale < 2:
            return scale, f"power in {unit}: S / (V·I) = {ratio:.3g}"
    return None, f"power unit unsettled: S / (V·I) = {ratio:.3g} is neither W nor kW"


def _apparent(values: Values) -> tuple[float, float]:
    """Apparent power as V·I [VA], and as the meter's own registers have it."""
    by_phase = sum(values[f"V{phase}"] * values[f"I{phase}"] for phase in "abc")
    if by_phase >= LOAD_FLOOR_VA:
        return by_phase, sum(values[f"S{phase}"] for phase in "abc")
    # Wired without a neutral there are no phase voltages.
    line_voltage = values.get("Vll") or fmean(values[name] for name in _LINES)
    current = values.get("I") or fmean(values[f"I{phase}"] for phase in "abc")
    return math.sqrt(3) * line_voltage * current, values["S"]


def _is_dead(values: Values) -> bool:
    # Exactly 0: registers that count up from their address decode to tiny floats. An idle PF may read 1.
    return all(value == 0 or (name.startswith("PF") and abs(value) == 1) for name, value in values.items())


def _checks(values: Values) -> Iterator[tuple[str, bool | None, str]]:
    """Yield name, whether it holds (None: nothing to compare) and a sentence."""
    yield "F", has_frequency(values), f"F = {values['F']:.4g} Hz"
    for name, parts in _MEANS.items():
        if name in values:
            yield _mean(values, name, parts)
    if "Vln" not in values:
        yield from (_line(values, name) for name in _LINES)
        yield _product(values)
    if "Pa" in values:
        phases = [values[name] for name in ("Pa", "Pb", "Pc")]
        yield _compare("P", values["P"], [sum(phases)], sum(map(abs, phases)), "the sum of Pa Pb Pc")
    if "PF" in values and _is_loaded(values):
        yield _compare("PF", abs(values["PF"]), [abs(values["P"] / values["S"])], 1.0, "P / S")


def _is_loaded(values: Values) -> bool:
    """Whether ratios of powers say something: by V·I, or by S itself where there are no phase powers."""
    return values["S"] != 0 and (_apparent(values)[0] if "Sa" in values else abs(values["S"])) >= LOAD_FLOOR_VA


def _line(values: Values, name: str) -> tuple[str, bool | None, str]:
    """A line voltage against its two phases, which are 120° or 180° apart."""
    first, second = (values[f"V{phase}"] for phase in name[1:])
    if not first or not second:
        return name, None, f"{name} = {values[name]:.4g}, with nothing to compare"
    wanted = [math.sqrt(first**2 + second**2 + first * second), first + second]
    return _compare(name, values[name], wanted, first + second, f"between V{name[1]} and V{name[2]}")


def _product(values: Values) -> tuple[str, bool | None, str]:
    """Apparent power against V·I. How S is made depends on the meter's method, so only agreement tells something."""
    volt_amperes, registered = _apparent(values)
    near = (abs(registered * scale - volt_amperes) <= TOLERANCE * volt_amperes for scale in POWER_UNITS)
    holds = True if volt_amperes >= LOAD_FLOOR_VA and any(near) else None
    return "S", holds, f"S = {registered:.4g} {'is' if holds else 'is not known to be'} V·I of {volt_amperes:.4g} VA"


def _mean(values: Values, name: str, parts: tuple[str, ...]) -> tuple[str, bool | None, str]:
    numbers = [values[part] for part in parts]
    # With one or two phases wired, some meters average over what is there.
    present = [number for number in numbers if number] or [0.0]
    means = [sum(numbers) / len(numbers), sum(present) / len(present)]
    return _compare(name, values[name], means, max(map(abs, numbers)), f"the mean of {' '.join(parts)}")


def _compare(name: str, value: float, wanted: list[float], reach: float, what: str) -> tuple[str, bool | None, str]:
    if reach == 0:
        return name, None, f"{name} = {value:.4g}, with nothing to compare"
    holds = any(abs(value - number) <= TOLERANCE * reach for number in wanted)
    return name, holds, f"{name} = {value:.4g} {'is' if holds else 'is not'} {what}"
