"""The map families: where each kind of meter keeps which value. Data only.

`acuvim2` is the map of Acuvim II, IIR, IIW, IIE and of newer CL and EL; `acuvim_l` the legacy map of the L series
(manual V2.0.3); `acuvim3` that of Acuvim 3 (map v1.08). AcuRev and AcuDC are told apart, so that an operator
reads what answered, and are not polled: 18 channels are not one system, and direct current is not what is published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from . import physics, registers
from .registers import Field, floats

ACUVIM2 = "acuvim2"
SETTINGS_SIZE = 7


@dataclass(frozen=True)
class Slow:
    """Registers that are polled seldom and in an input of their own; offsets of the fields count from `address`."""

    address: int
    fields: tuple[Field, ...]

    @property
    def size(self) -> int:
        return _size(self.fields)


@dataclass(frozen=True)
class Family:
    """One map. `blocks` are the addresses at which `live_fields` lie in this order, the best first.

    `settings` is where wiring, PT and CT stand, 7 registers; `settings_doubt` says what is not confirmed about
    them. A family that is not polled is only told apart: its fields serve to judge.
    """

    name: str
    title: str
    blocks: tuple[int, ...]
    live_fields: tuple[Field, ...]
    energy: Slow | None = None
    demand: Slow | None = None
    thd: Slow | None = None
    angles: Slow | None = None
    fast_read: Slow | None = None
    settings: int | None = None
    settings_doubt: str = ""
    is_polled: bool = True
    judge: Callable[[physics.Values], physics.Judgement] = physics.judge

    @property
    def size(self) -> int:
        """Registers in one read of the live values."""
        return _size(self.live_fields)

    @property
    def more(self) -> dict[int, int]:
        """Address and size of what is worth asking once the live values have answered."""
        slow = [part for part in (self.energy, self.demand, self.thd, self.angles) if part]
        sizes = {part.address: part.size for part in slow}
        return sizes if self.settings is None else {**sizes, self.settings: SETTINGS_SIZE}

    def values(self, words: Sequence[int], word_order: str) -> dict[str, float]:
        """The live block as values by field name, in the units of the meter's own registers."""
        decoded = floats(words, word_order)
        return {field.name: decoded[field.offset // 2] for field in self.live_fields if not field.is_filler}


def of(name: str) -> Family:
    """The family that is stored with a meter under this name; KeyError for one that is unknown."""
    return _BY_NAME[name]


def _size(fields: Iterable[Field]) -> int:
    return max(field.offset + registers.SIZES[field.kind] for field in fields)


_UNITS = {"F": "Hz", "V": "V", "I": "A", "P": "W", "Q": "var", "S": "VA"}


def _floats(names: str) -> tuple[Field, ...]:
    """32-bit floats one after the other; a hyphen is one that is read and not published."""
    return tuple(_float(name, 2 * place) for place, name in enumerate(names.split()))


def _float(name: str, offset: int) -> Field:
    if name == "-":
        return Field(f"unused_{offset}", offset, "FLOAT32", "1", is_filler=True)
    unit = "1" if name.startswith("PF") else _UNITS[name[0]]
    return Field(name, offset, "FLOAT32", unit, is_power=unit in ("W", "var", "VA"))


def _percent(names: str, kind: str, factor: float, step: int, start: int = 0) -> tuple[Field, ...]:
    places = enumerate(names.split())
    return tuple(Field(f"THD_{name}", start + step * place, kind, "%", factor) for place, name in places)


def _angles(names: str) -> tuple[Field, ...]:
    """Against Va."""
    return tuple(Field(f"angle_{name}", place, "UINT16", "°", 0.1) for place, name in enumerate(names.split()))


def _counters(names: str, kind: str, factor: float, step: int) -> tuple[Field, ...]:
    units = {"Ep": "kWh", "Eq": "kvarh", "Es": "kVAh"}
    places = enumerate(names.split())
    return tuple(Field(name, step * place, kind, units[name[:2]], factor) for place, name in places)


def _demand(places: dict[str, int]) -> tuple[Field, ...]:
    return tuple(_float(f"{name}_demand", offset) for name, offset in places.items())


_ACUVIM2 = Family(
    ACUVIM2,
    "Acuvim II",
    (registers.LIVE, registers.LIVE_SECOND),
    registers.LIVE_FIELDS,
    energy=Slow(registers.ENERGY, registers.ENERGY_FIELDS),
    demand=Slow(0x4042, _demand({"P": 0, "Q": 2, "S": 4})),
    thd=Slow(0x405A, _percent("Va Vb Vc V Ia Ib Ic I", "INT16", 0.01, 1)),
    angles=Slow(0x42A0, _angles("Vb Vc Ia Ib Ic")),
    fast_read=Slow(registers.FAST_READ, _floats("Va Vb Vc Vab Vbc Vca Ia Ib Ic Vln Vll I P Q F")),
    settings=0x1003,
    settings_doubt="wiring and PT registers are not in a public map",
)

_ACUVIM3 = Family(
    "acuvim3",
    "Acuvim 3",
    (0x2114,),
    _floats("F Va Vb Vc Vln Vab Vbc Vca Vll Ia Ib Ic In I Pa Pb Pc P Qa Qb Qc Q Sa Sb Sc S - - - - PFa PFb PFc PF"),
    # One read of 116 registers. The apparent energy lies beyond what one request can hold.
    energy=Slow(0x65CC, _counters("Ep_imp Eq_imp Ep_exp Eq_exp Ep_net Eq_net Ep_total Eq_total", "FLOAT64", 1.0, 16)),
    demand=Slow(0x619E, _demand({"P": 0, "Q": 8, "S": 16})),
    thd=Slow(0x219A, (*_percent("Va Vb Vc", "FLOAT32", 1.0, 2), *_percent("Ia Ib Ic", "FLOAT32", 1.0, 2, start=24))),
)

_ACUVIM_L = Family(
    "acuvim_l",
    "Acuvim L",
    (0x0600,),
    # Without averages; the unbalances and one undocumented register pair are read along.
    _floats("F Va Vb Vc Vab Vbc Vca Ia Ib Ic In Pa Pb Pc P Qa Qb Qc Q S PFa PFb PFc PF - - - Sa Sb Sc"),
    energy=Slow(0x0156, _counters("Ep_imp Ep_exp Eq_imp Eq_exp Es", "UINT32", 0.1, 2)),
    demand=Slow(0x063E, _demand({"S": 0, "P": 2, "Q": 4})),
    thd=Slow(0x0400, _percent("Va Vb Vc Ia Ib Ic", "UINT16", 0.01, 1)),
    settings=0x0103,
)

_ACUREV_2100 = Family(
    "acurev2100",
    "AcuRev 2100",
    (0x2000,),
    _floats("F Va Vb Vc Vln Vab Vbc Vca Vll Ia Ib Ic I P Q S PF"),
    is_polled=False,
)

# The total current comes first and the frequency after the voltages.
_ACUREV_1310 = Family(
    "acurev1310",
    "AcuRev 1310",
    (0x2000,),
    _floats("- Ia Ib Ic Vln Va Vb Vc Vll Vab Vbc Vca F"),
    is_polled=False,
)

_ACUDC = Family("acudc", "AcuDC", (0x0200,), _floats("V I P"), is_polled=False, judge=physics.judge_dc)

# In the order in which a probe asks and a judgement looks: what is found most, and what says most, first.
FAMILIES = (_ACUVIM2, _ACUVIM3, _ACUVIM_L, _ACUREV_2100, _ACUREV_1310, _ACUDC)
_BY_NAME = {family.name: family for family in FAMILIES}
