"""What an electrician may get wrong, and how the load then looks to the meter."""

from __future__ import annotations

import math

from simulators.electrics import Phase, Reading


def seen(now: Reading, turned: str, exchanged: str) -> Reading:
    """The reading with the current transformers of some phases (`b`) turned round, of two (`bc`) exchanged."""
    currents = [(phase.i, lag) for phase, lag in zip(now.phases, current_lags(now), strict=True)]
    if exchanged:
        first, second = ("abc".index(letter) for letter in exchanged)
        currents[first], currents[second] = currents[second], currents[first]
    currents = [
        (amperes, lag + 180 * (letter in turned)) for letter, (amperes, lag) in zip("abc", currents, strict=True)
    ]
    phases = (_phase(now.phases[n].v, amperes, lag - 120 * n) for n, (amperes, lag) in enumerate(currents))
    return Reading(tuple(phases), now.frequency_hz)


def current_lags(now: Reading) -> list[float]:
    """How far each current lags the voltage of the first phase [°]."""
    return [120 * n + math.degrees(math.atan2(phase.q, phase.p)) for n, phase in enumerate(now.phases)]


def _phase(v: float, i: float, lag: float) -> Phase:
    s, angle = v * i, math.radians(lag)
    return Phase(v=v, i=i, p=s * math.cos(angle), q=s * math.sin(angle), s=s)
