"""How good the published data of a meter is, from its recent samples. Pure.

Redundant values must agree, values that never change are not measured, and every poll should bring a sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# Each average or sum with its parts; what is smaller than the floor is compared as if it were that large.
_MEANS = {"Vln": ("Va", "Vb", "Vc"), "Vll": ("Vab", "Vbc", "Vca"), "I": ("Ia", "Ib", "Ic")}
_FLOOR = 1.0
IDENTITIES = (*_MEANS, "P", "S", "PF")

# Values by name → samples of (time [s], value), oldest first.
Samples = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Quality:
    """residuals: by identity, the relative difference of the last poll; only those that it has all values for.

    repeated: how many of the last polls before it brought exactly the same values. gap_ratio: the share of polls
    without a sample, None where it is not known.
    """

    residuals: Mapping[str, float] = field(default_factory=dict)
    repeated: int = 0
    gap_ratio: float | None = None


def judge(samples: Samples, gap: float | None = None) -> Quality | None:
    """Judge the newest polls; None without any."""
    polls = _polls(samples)
    if not polls:
        return None
    newest = polls[-1]
    repeated = 0
    for earlier in reversed(polls[:-1]):
        if earlier != newest:
            break
        repeated += 1
    return Quality(dict(_residuals(newest)), repeated, gap)


def gap_ratio(received: int, seconds: float, interval_s: float) -> float:
    """The share of polls in that time that brought nothing; never below 0."""
    expected = max(1, int(seconds / interval_s))
    return max(0.0, 1 - received / expected)


def _polls(samples: Samples) -> list[dict[str, float]]:
    """The values of each poll of the live block: those at the times that the frequency has."""
    by_time: dict[float, dict[str, float]] = {stamp: {} for stamp, _ in samples.get("F", ())}
    for name, series in samples.items():
        for stamp, value in series:
            if stamp in by_time:
                by_time[stamp][name] = value
    return [by_time[stamp] for stamp in sorted(by_time)]


def _residuals(values: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    for name, parts in _MEANS.items():
        if values.keys() >= {name, *parts}:
            yield name, _apart(values[name], sum(values[part] for part in parts) / 3)
    if values.keys() >= {"P", "Pa", "Pb", "Pc"}:
        yield "P", _apart(values["P"], values["Pa"] + values["Pb"] + values["Pc"])
    if values.keys() >= {"P", "Q", "S"}:
        yield "S", _apart(values["S"], math.hypot(values["P"], values["Q"]))
    if values.keys() >= {"P", "S", "PF"} and abs(values["S"]) >= _FLOOR:
        yield "PF", _apart(abs(values["PF"]), abs(values["P"] / values["S"]))


def _apart(value: float, wanted: float) -> float:
    return abs(value - wanted) / max(abs(value), abs(wanted), _FLOOR)
