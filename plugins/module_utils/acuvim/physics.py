"""Whether 30 numbers can be one AC measurement: their redundant values must agree with each other.

Averages, sums and ratios are hard to meet by accident; "a plausible voltage" is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

FREQUENCY_HZ = (45.0, 65.0)
TOLERANCE = 0.02

# Below this much apparent power [VA] ratios of powers are noise.
LOAD_FLOOR_VA = 1.0
POWER_UNITS = {1.0: "W", 1000.0: "kW"}

Values = Mapping[str, float]


def judge(values: Values) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether the live values are physically one, with the evidence; None without any signal."""
    if not all(math.isfinite(value) for value in values.values()):
        return False, ("some values are not numbers",)
    if _is_dead(values):
        return None, ("all values are 0",)
    if len(set(values.values())) == 1:
        return False, ("all values are the same",)
    checks = list(_checks(values))
    voltage_agrees = any(holds for name, holds, _ in checks if name in ("Vln", "Vll"))
    accepted = voltage_agrees and not any(holds is False for _, holds, _ in checks)
    said = tuple(said for _, holds, said in checks if holds is accepted)
    return accepted, said or ("no voltage to judge",)


def has_frequency(values: Values) -> bool:
    """Whether the frequency is that of a public or generator network."""
    low, high = FREQUENCY_HZ
    return low <= values["F"] <= high


def power_scale(values: Values) -> tuple[float | None, str]:
    """Return W per unit of the power registers, settled by S against V·I; None while there is no load."""
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
    return math.sqrt(3) * values["Vll"] * values["I"], values["S"]


def _is_dead(values: Values) -> bool:
    # Exactly 0: registers that count up from their address decode to tiny floats. An idle PF may read 1.
    return all(value == 0 or (name.startswith("PF") and abs(value) == 1) for name, value in values.items())


def _checks(values: Values) -> Iterator[tuple[str, bool | None, str]]:
    """Yield name, whether it holds (None: nothing to compare) and a sentence."""
    yield "F", has_frequency(values), f"F = {values['F']:.4g} Hz"
    yield _mean(values, "Vln", ("Va", "Vb", "Vc"))
    yield _mean(values, "Vll", ("Vab", "Vbc", "Vca"))
    yield _mean(values, "I", ("Ia", "Ib", "Ic"))
    phases = [values[name] for name in ("Pa", "Pb", "Pc")]
    reach = sum(map(abs, phases))
    yield _compare("P", values["P"], [sum(phases)], reach, "the sum of Pa Pb Pc")
    if values["S"] and _apparent(values)[0] >= LOAD_FLOOR_VA:
        yield _compare("PF", abs(values["PF"]), [abs(values["P"] / values["S"])], 1.0, "P / S")


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
