"""Whether a meter is wired as it should be, from one reading of its own values. Pure.

Angles are those of the meter: to Va, lagging, so that phases in their order stand at 0°, 120° and 240°.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product

PHASES = "abc"
ROTATION = "phase_rotation"
REVERSED = "reversed_ct"
SWAPPED = "phase_swap"
NEUTRAL = "missing_neutral"
RATIO = "ct_ratio"
KINDS = (ROTATION, REVERSED, SWAPPED, NEUTRAL, RATIO)

# A phase below this share of the largest current tells nothing about its transformer.
_LOADED = 0.05
_LOAD_FLOOR_VA = 1.0
# Currents lag or lead their voltages by at most this [°], and alike within it: power factors of 0.5 and more.
_REACH = 60.0
# Phase voltages this far apart while the line voltages agree four times better: the star point floats.
_FLOATING = 0.10
_SECONDARIES = (1, 5, 80, 100, 333)
_OVERLOAD = 1.2

Values = Mapping[str, float]


@dataclass(frozen=True)
class Fault:
    """One mistake: its kind, and what it is with the remedy, without numbers that change from read to read."""

    kind: str
    said: str


def judge(values: Values, wiring: str = "", ct: str = "") -> tuple[Fault, ...] | None:
    """Return the faults of a meter; None where it shows too little voltage or load to tell.

    values: live values and `angle_…` [°] by field name, in any unit of power. wiring and ct as the meter has
    them set ("3LN 3CT", "200/5"), empty where unknown.
    """
    if not _has_load(values):
        return None
    return (*_rotation(values), *_currents(values), *_neutral(values, wiring), *_transformer(values, ct))


def _has_load(values: Values) -> bool:
    try:
        return sum(abs(values[f"V{phase}"] * values[f"I{phase}"]) for phase in PHASES) >= _LOAD_FLOOR_VA
    except KeyError:
        return False


def _rotation(values: Values) -> Iterator[Fault]:
    if not _live_voltages(values) or "angle_Vb" not in values or "angle_Vc" not in values:
        return
    if abs(_wrapped(values["angle_Vb"] - 240)) < 30 and abs(_wrapped(values["angle_Vc"] - 120)) < 30:
        yield Fault(
            ROTATION, "phases follow each other as a-c-b: exchange two voltage leads, or two phases at the source"
        )


def _currents(values: Values) -> Iterator[Fault]:
    loaded = [phase for phase in PHASES if abs(values[f"I{phase}"]) > _LOADED * _largest_current(values)]
    angles = [values.get(f"angle_{name}") for name in ("Vb", "Vc", "Ia", "Ib", "Ic")]
    if len(loaded) == 3 and None not in angles:
        yield from _by_angles(*angles)
    else:
        yield from _by_signs({phase: values.get(f"P{phase}", 0.0) for phase in loaded})


def _by_angles(vb: float, vc: float, ia: float, ib: float, ic: float) -> Iterator[Fault]:
    """The fewest mistakes that would make every current follow its voltage."""
    volts, currents = (0.0, vb, vc), (ia, ib, ic)
    # Turned round together, the transformers show a source instead of a load: that is no mistake.
    for flow, order, turned in sorted(
        product((0, 180), permutations(range(3)), product((0, 180), repeat=3)), key=_price
    ):
        lags = [_wrapped(currents[n] - volts[order[n]] - turned[n] - flow) for n in range(3)]
        if max(map(abs, lags)) <= _REACH and max(lags) - min(lags) <= _REACH:
            yield from _mistakes(order, turned)
            return


def _price(guess: tuple[int, tuple[int, ...], tuple[int, ...]]) -> tuple[int, int]:
    flow, order, turned = guess
    return sum(order[n] != n for n in range(3)) + sum(map(bool, turned)), flow


def _mistakes(order: tuple[int, ...], turned: tuple[int, ...]) -> Iterator[Fault]:
    wrong = [PHASES[n] for n in range(3) if order[n] != n]
    if wrong:
        yield Fault(SWAPPED, f"currents {', '.join(wrong)} belong to other phases: exchange their transformers")
    if reversed_ones := [PHASES[n] for n in range(3) if turned[n]]:
        yield Fault(REVERSED, _turn_round(reversed_ones))


def _by_signs(powers: dict[str, float]) -> Iterator[Fault]:
    """Without angles: where most phases take power, one that gives some has its transformer turned round."""
    negative = [phase for phase, power in powers.items() if power < 0]
    positive = [phase for phase, power in powers.items() if power > 0]
    if len(powers) == 3 and negative and positive:
        yield Fault(REVERSED, _turn_round(min(negative, positive, key=len)))


def _turn_round(phases: list[str]) -> str:
    return (
        f"current {', '.join(phases)} flows against the others: turn its transformer round, or exchange its two leads"
    )


def _neutral(values: Values, wiring: str) -> Iterator[Fault]:
    if (wiring and not wiring.startswith("3LN")) or not _live_voltages(values):
        return
    phases, lines = (_spread([values[name] for name in names]) for names in (("Va", "Vb", "Vc"), ("Vab", "Vbc", "Vca")))
    if phases > _FLOATING and lines < phases / 4:
        yield Fault(NEUTRAL, "phase voltages differ and line voltages do not: connect the neutral to the meter")


def _transformer(values: Values, ct: str) -> Iterator[Fault]:
    if not ct:
        return
    primary, secondary = map(int, ct.split("/"))
    if secondary not in _SECONDARIES:
        yield Fault(RATIO, f"current transformer set to {ct}: no transformer has {secondary} on its secondary side")
    elif _largest_current(values) > _OVERLOAD * primary:
        yield Fault(RATIO, f"current above what a transformer of {ct} carries: set the meter to the ratio on its label")


def _largest_current(values: Values) -> float:
    return max(abs(values[f"I{phase}"]) for phase in PHASES)


def _live_voltages(values: Values) -> bool:
    volts = [abs(values[f"V{phase}"]) for phase in PHASES]
    return min(volts) > max(volts) / 10


def _spread(volts: list[float]) -> float:
    mean = sum(volts) / len(volts)
    return (max(volts) - min(volts)) / mean if mean else 0.0


def _wrapped(degrees: float) -> float:
    """The same angle from -180° to 180°."""
    return (degrees + 180.0) % 360.0 - 180.0
