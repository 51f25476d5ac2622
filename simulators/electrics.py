"""What a three-phase load looks like to whatever measures it: consistent volts, amperes, watts and so on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulators.scenario import System


@dataclass(frozen=True)
class Phase:
    """One line to neutral: V, A, W, var, VA."""

    v: float
    i: float
    p: float
    q: float
    s: float


@dataclass(frozen=True)
class Reading:
    """Three phases at one moment."""

    phases: tuple[Phase, Phase, Phase]
    frequency_hz: float

    @property
    def p(self) -> float:
        return sum(phase.p for phase in self.phases)

    @property
    def q(self) -> float:
        return sum(phase.q for phase in self.phases)

    @property
    def s(self) -> float:
        """Apparent power of the whole, as vectors: S² = P² + Q² [VA]."""
        return math.hypot(self.p, self.q)

    @property
    def line_voltages(self) -> tuple[float, float, float]:
        """Between the lines a-b, b-c, c-a, which are 120° apart [V]."""
        a, b, c = (phase.v for phase in self.phases)
        return _between(a, b), _between(b, c), _between(c, a)

    @property
    def neutral_current(self) -> float:
        """What returns in the neutral: the phase currents added as vectors, 120° apart [A]."""
        a, b, c = (phase.i for phase in self.phases)
        # The radicand of three equal currents may round to just below zero.
        return math.sqrt(max(0.0, a * a + b * b + c * c - a * b - b * c - c * a))


def reading(system: System, power_w: float, t_s: float) -> Reading:
    """The electrics of a system that takes `power_w` at the moment `t_s`.

    Voltage and frequency sag with the load and never stand quite still, as behind an inverter; power is exact.
    """
    phases = tuple(_phase(system, n, power_w * share, t_s) for n, share in enumerate(system.phase_shares))
    sag_hz = 2e-6 * power_w
    return Reading(phases, system.frequency_hz - sag_hz + 0.02 * math.sin(t_s / 1.7))


def _phase(system: System, n: int, power_w: float, t_s: float) -> Phase:
    v = system.voltage_v + 0.5 - 0.4 * n - 4e-4 * power_w + 0.3 * math.sin(t_s / 2.3 + 2 * n)
    s = power_w / system.power_factor
    q = power_w * math.tan(math.acos(system.power_factor))
    return Phase(v=v, i=s / v, p=power_w, q=q, s=s)


def _between(first_v: float, second_v: float) -> float:
    return math.sqrt(first_v * first_v + second_v * second_v + first_v * second_v)
