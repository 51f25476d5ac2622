"""The registers of an Acuvim II, and how registers become numbers and texts.

Addresses are 0-based, function 3, big endian. Sources: the Acuvim IIW/IIR/CL/EL map v1.27 and its
independent transcriptions; energy registers count 0.1 kWh in the meter's default (primary) mode.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

SUNSPEC = 0xC350
MODEL_CODE = 0xF000
SERIAL_CODE = 0xF040
LIVE = 0x3000
LIVE_SECOND = 0x4000
FAST_READ = 0x3400
ENERGY = 0x4048

# Common blocks that say who made it: registers in one read.
IDENTITY = {SUNSPEC: 70, MODEL_CODE: 2, SERIAL_CODE: 6}
# The same SunSpec block where an AcuRev 1310 has it.
SUNSPEC_ACUREV = 0x1000
FAST_READ_SIZE = 30

# Registers that a value takes.
SIZES = {"UINT16": 1, "INT16": 1, "UINT32": 2, "INT32": 2, "FLOAT32": 2, "FLOAT64": 4}


@dataclass(frozen=True)
class Field:
    """One value: its offset in the block [registers], type in Telegraf's words, factor and unit.

    A filler is not published: it is read so that one request has no gap.
    """

    name: str
    offset: int
    kind: str
    unit: str
    factor: float = 1.0
    is_power: bool = False
    is_filler: bool = False


def _live_fields() -> tuple[Field, ...]:
    # LIVE and LIVE_SECOND have the same order: refreshed every 100 ms and every second.
    units = (
        ("Hz", "F"),
        ("V", "Va Vb Vc Vln Vab Vbc Vca Vll"),
        ("A", "Ia Ib Ic I In"),
        ("W", "Pa Pb Pc P"),
        ("var", "Qa Qb Qc Q"),
        ("VA", "Sa Sb Sc S"),
        ("1", "PFa PFb PFc PF"),
    )
    named = [(unit, name) for unit, names in units for name in names.split()]
    return tuple(
        Field(name, 2 * place, "FLOAT32", unit, is_power=unit in ("W", "var", "VA"))
        for place, (unit, name) in enumerate(named)
    )


LIVE_FIELDS = _live_fields()

ENERGY_FIELDS = tuple(
    Field(name, 2 * place, "INT32" if name.endswith("_net") else "UINT32", unit, 0.1)
    for place, (name, unit) in enumerate(
        (
            ("Ep_imp", "kWh"),
            ("Ep_exp", "kWh"),
            ("Eq_imp", "kvarh"),
            ("Eq_exp", "kvarh"),
            ("Ep_total", "kWh"),
            ("Ep_net", "kWh"),
            ("Eq_total", "kvarh"),
            ("Eq_net", "kvarh"),
            ("Es", "kVAh"),
        )
    )
)


def floats(words: Sequence[int], word_order: str) -> tuple[float, ...]:
    """Decode 32-bit floats; `ABCD` has the high word first, `CDAB` the low word."""
    pairs = zip(words[::2], words[1::2], strict=True)
    ordered = [pair if word_order == "ABCD" else pair[::-1] for pair in pairs]
    return struct.unpack(f">{len(ordered)}f", b"".join(struct.pack(">HH", *pair) for pair in ordered))


def text(words: Sequence[int]) -> str:
    """Decode ASCII, two characters a register; only what may stand in a label or a comment is kept."""
    raw = struct.pack(f">{len(words)}H", *words).split(b"\0", 1)[0]
    kept = "".join(chr(byte) for byte in raw if byte < 0x80 and (chr(byte).isalnum() or byte in b" ._/+-"))
    return " ".join(kept.split())
