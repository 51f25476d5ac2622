"""An Acuvim II as its holding registers at a given time."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from statistics import fmean

from simulators.electrics import Reading, reading
from simulators.meters import miswired
from simulators.refresh import Refresh, fraction
from simulators.scenario import Scenario

SLOW_PERIOD_S = 1.0
DEMAND_S = 900.0
INDUCTIVE = 76.0
WIRING_3LN = 203

Words = list[int]


@dataclass(frozen=True)
class Options:
    """How one meter differs from the next. Faults on purpose belong here."""

    kilowatts: bool = False  # powers in kW, kvar, kVA, as some firmware gives them
    turned: str = ""  # phases whose current transformer is turned round, as "b"
    exchanged: str = ""  # two phases whose current transformers are exchanged, as "bc"


@dataclass(frozen=True)
class Block:
    """Consecutive registers from `start`, read together: `words` gives them at the moment of a reading."""

    start: int
    size: int
    words: Callable[[float], Words]
    refresh: Refresh | None = None

    def shown(self, t_s: float) -> Words:
        return self.words(self.refresh.last(t_s) if self.refresh else t_s)


class Meter:
    """What a meter answers at time `t_s`.

    Floats are big endian, high word first; powers are in W, var and VA unless an option says otherwise.
    """

    def __init__(self, scenario: Scenario, system_id: str, options: Options = Options()):
        self.system = scenario.system(system_id)
        self._scenario = scenario
        self._options = options
        self._power_scale = 0.001 if options.kilowatts else 1.0
        key = f"{scenario.seed} {system_id}"
        fast = Refresh(self.system.refresh_s, f"{key} fast", phase=fraction(key), jitter=0.02)
        slow = Refresh(SLOW_PERIOD_S, f"{key} slow", phase=fraction(key), jitter=0.02)
        self.blocks = (
            Block(0x1003, 7, lambda _: SETTINGS),
            Block(0x1019, 1, lambda _: [0]),
            Block(0x3000, 68, lambda t_s: self._quantities(t_s) + [0] * 8, fast),
            Block(0x3400, 30, self._fast_read, fast),
            Block(0x4000, 98, self._basic, slow),
            Block(0x42A0, 5, self._angles, slow),
            Block(0x4620, 30, self._phase_energies, slow),
            Block(0xC350, 70, lambda _: self._sunspec()),
            Block(0xF000, 2, lambda _: text("CU2", 2)),
            Block(0xF040, 6, lambda _: text(self.serial, 6)),
            Block(0xF070, 2, lambda _: [1, 0]),
        )

    @property
    def serial(self) -> str:
        """A serial number of its own, from the number in the system's id."""
        number = re.search(r"\d*$", self.system.id).group() or "0"
        return f"AH24{int(number):08}"

    def registers(self, address: int, count: int, t_s: float) -> Words:
        """The registers from `address`; LookupError where the meter has none."""
        shown = {}
        for block in self.blocks:
            if block.start < address + count and address < block.start + block.size:
                shown.update(enumerate(block.shown(t_s), block.start))
        return [shown[at] for at in range(address, address + count)]

    def reading(self, t_s: float) -> Reading:
        """The electrics at that moment."""
        now = reading(self.system, self._scenario.power_w(self.system.id, t_s), t_s)
        turned, exchanged = self._options.turned, self._options.exchanged
        return miswired.seen(now, turned, exchanged) if turned or exchanged else now

    def _quantities(self, t_s: float) -> Words:
        """F, V, VL, I with their averages, then P, Q, S, PF by phase and in total: 30 floats."""
        now = self.reading(t_s)
        volts, amperes = [phase.v for phase in now.phases], [phase.i for phase in now.phases]
        lines = now.line_voltages
        return floats(
            now.frequency_hz,
            *(*volts, fmean(volts), *lines, fmean(lines)),
            *(*amperes, fmean(amperes), now.neutral_current),
            *self._powers([phase.p for phase in now.phases], now.p),
            *self._powers([phase.q for phase in now.phases], now.q),
            *self._powers([phase.s for phase in now.phases], now.s),
            *(phase.p / phase.s if phase.s else 1.0 for phase in now.phases),
            now.p / now.s if now.s else 1.0,
        )

    def _fast_read(self, t_s: float) -> Words:
        now = self.reading(t_s)
        volts, amperes = [phase.v for phase in now.phases], [phase.i for phase in now.phases]
        lines = now.line_voltages
        averages = (fmean(volts), fmean(lines), fmean(amperes))
        return floats(*volts, *lines, *amperes, *averages, *self._powers([now.p], now.q), now.frequency_hz)

    def _basic(self, t_s: float) -> Words:
        now = self.reading(t_s)
        demand_w = self._scenario.energy_wh(self.system.id, t_s - DEMAND_S, t_s) * 3600 / DEMAND_S
        demand = (demand_w * self._power_scale * part for part in self._parts())
        unbalance = (_unbalance([phase.v for phase in now.phases]), _unbalance([phase.i for phase in now.phases]))
        return [
            *self._quantities(t_s),
            *floats(*unbalance, INDUCTIVE, *demand),
            *self._energies(t_s),
            *(120, 118, 123, 120, 310, 305, 322, 312),  # THD of voltages and currents, 0.01 %
        ]

    def _angles(self, t_s: float) -> Words:
        """Voltages b and c and the currents, behind voltage a, in 0.1°."""
        return [round(10 * lag) % 3600 for lag in (120, 240, *miswired.current_lags(self.reading(t_s)))]

    def _energies(self, t_s: float) -> Words:
        """Ep, Eq: import, export, total, net; Es. In 0.1 kWh since the scenario's epoch."""
        p, q, s = (self._count(t_s, part) for part in self._parts())
        return counters([p, 0, q, 0, p, p, q, q, s])

    def _phase_energies(self, t_s: float) -> Words:
        shares = self.system.phase_shares
        real, reactive, apparent = self._parts()
        imports = [self._count(t_s, part * share) for part in (real, reactive) for share in shares]
        return counters(
            [*chain.from_iterable((count, 0) for count in imports), *(self._count(t_s, apparent * x) for x in shares)]
        )

    def _count(self, t_s: float, part: float) -> int:
        return int(part * self._scenario.energy_wh(self.system.id, 0, max(0.0, t_s)) / 100)

    def _parts(self) -> tuple[float, float, float]:
        """Real, reactive and apparent power for one watt."""
        factor = self.system.power_factor
        return 1.0, (1 - factor * factor) ** 0.5 / factor, 1 / factor

    def _powers(self, parts: list[float], whole: float) -> list[float]:
        return [power * self._power_scale for power in (*parts, whole)]

    def _sunspec(self) -> Words:
        return [
            *(*text("SunS", 2), 1, 66),
            *(*text("Accuenergy", 16), *text("Acuvim II", 16), *text("IIR", 8), *text("3.62", 8)),
            *(*text(self.serial, 16), 1, WIRING_3LN),
        ]


# Wiring 3LN and 3CT; PT 400 V to 400 V (high and low word, then secondary); CT 200 A to 5 A.
SETTINGS = [0, 0, 0, 400, 400, 200, 5]


def floats(*values: float) -> Words:
    """IEEE 754 single precision, two registers each, high word first."""
    return _words(struct.pack(f">{len(values)}f", *values))


def counters(values: Iterable[int]) -> Words:
    """Unsigned 32 bit, high word first; wrapping as the meter's do."""
    return _words(b"".join(struct.pack(">I", value % 2**32) for value in values))


def text(value: str, size: int) -> Words:
    """ASCII, two characters a register, filled with NUL."""
    return _words(value.encode("ascii").ljust(2 * size, b"\0"))


def _words(packed: bytes) -> Words:
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def _unbalance(values: list[float]) -> float:
    """Largest deviation from the mean, per unit."""
    mean = fmean(values)
    return max(abs(value - mean) for value in values) / mean if mean else 0.0
