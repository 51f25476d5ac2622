"""The registers of an Acuvim II: which blocks are read, and what lies in them.

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

# The blocks a probe reads, in this order: first address and length. A meter that answers neither of the
# first two is not there; in its fast-read mode it may answer only the second.
BLOCKS = {LIVE: 60, FAST_READ: 30, SUNSPEC: 70, MODEL_CODE: 2, SERIAL_CODE: 6, LIVE_SECOND: 60, ENERGY: 18}


@dataclass(frozen=True)
class Field:
    """One published value: its offset in the block [registers], type in Telegraf's words, factor and unit."""

    name: str
    offset: int
    kind: str
    unit: str
    factor: float = 1.0
    is_power: bool = False


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


def live_values(words: Sequence[int], word_order: str) -> dict[str, float]:
    """The live block as values by field name, in the units of the meter's own registers."""
    return dict(zip((field.name for field in LIVE_FIELDS), floats(words, word_order), strict=True))


def text(words: Sequence[int]) -> str:
    """Decode ASCII, two characters a register; only what may stand in a label or a comment is kept."""
    raw = struct.pack(f">{len(words)}H", *words).split(b"\0", 1)[0]
    kept = "".join(chr(byte) for byte in raw if byte < 0x80 and (chr(byte).isalnum() or byte in b" ._/+-"))
    return " ".join(kept.split())
