"""Register images of meters and of things that are none, written by address from the manuals."""

from __future__ import annotations

import math
import struct

from ansible_collections.ovr.edge.plugins.module_utils.acuvim.probe import Image

# Offset from 0x3000 or 0x4000, as the register list has them.
LIVE = {
    "F": 0x00, "Va": 0x02, "Vb": 0x04, "Vc": 0x06, "Vln": 0x08, "Vab": 0x0A, "Vbc": 0x0C, "Vca": 0x0E, "Vll": 0x10,
    "Ia": 0x12, "Ib": 0x14, "Ic": 0x16, "I": 0x18, "In": 0x1A, "Pa": 0x1C, "Pb": 0x1E, "Pc": 0x20, "P": 0x22,
    "Qa": 0x24, "Qb": 0x26, "Qc": 0x28, "Q": 0x2A, "Sa": 0x2C, "Sb": 0x2E, "Sc": 0x30, "S": 0x32,
    "PFa": 0x34, "PFb": 0x36, "PFc": 0x38, "PF": 0x3A,
}  # fmt: skip


def words(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(packed) // 2}H", packed)


def text(value: str, size: int) -> tuple[int, ...]:
    return words(value.encode().ljust(2 * size, b"\0"))


def load(volts: float = 120.0, amperes: float = 10.0, factor: float = 0.9, hertz: float = 60.0, **other) -> dict:
    """The live values of a meter in a wye network, phases a little apart; `other` overrides single ones."""
    values = {"F": hertz, "In": 0.4 * amperes}
    v = [volts * part for part in (1.0, 0.99, 1.01)]
    i = [amperes * part for part in (1.0, 1.2, 0.8)]
    lines = [math.sqrt(v[a] ** 2 + v[b] ** 2 + v[a] * v[b]) for a, b in ((0, 1), (1, 2), (2, 0))]
    s = [v[n] * i[n] for n in range(3)]
    reactive = math.sqrt(1 - factor**2)
    values.update(zip(("Va", "Vb", "Vc", "Vln"), (*v, sum(v) / 3), strict=True))
    values.update(zip(("Vab", "Vbc", "Vca", "Vll"), (*lines, sum(lines) / 3), strict=True))
    values.update(zip(("Ia", "Ib", "Ic", "I"), (*i, sum(i) / 3), strict=True))
    for name, part in (("P", factor), ("Q", reactive), ("S", 1.0)):
        values.update(
            zip((f"{name}a", f"{name}b", f"{name}c", name), (*(n * part for n in s), sum(s) * part), strict=True)
        )
    values.update(dict.fromkeys(("PFa", "PFb", "PFc", "PF"), factor if amperes else 1.0))
    return {**values, **other}


def kilo(values: dict) -> dict:
    """The same load as a meter shows it that counts in kW, kvar and kVA."""
    return {name: value / 1000 if name[0] in "PQS" and name[:2] != "PF" else value for name, value in values.items()}


DEAD = dict.fromkeys(LIVE, 0.0)


def live(values: dict, order: str = "ABCD") -> tuple[int, ...]:
    packed = bytearray(2 * 60)
    for name, offset in LIVE.items():
        raw = struct.pack(">f", values[name])
        packed[2 * offset : 2 * offset + 4] = raw if order == "ABCD" else raw[2:] + raw[:2]
    return words(bytes(packed))


def fast_read(values: dict) -> tuple[int, ...]:
    names = ["Va", "Vb", "Vc", "Vab", "Vbc", "Vca", "Ia", "Ib", "Ic", "Vln", "Vll", "I", "P", "Q", "F"]
    return words(struct.pack(">15f", *(values[name] for name in names)))


def sunspec(serial: str = "AH24000011", maker: str = "Accuenergy", model: str = "Acuvim II") -> tuple[int, ...]:
    return (
        *(*text("SunS", 2), 1, 66, *text(maker, 16), *text(model, 16), *text("IIR", 8), *text("3.62", 8)),
        *(*text(serial, 16), 1, 203),
    )


def image(blocks: dict, ip: str = "10.10.4.11", unit: int = 1, port: int = 502) -> Image:
    """An image with these blocks; every other one is refused as an address that does not exist."""
    asked = (0x3000, 0x3400, 0xC350, 0xF000, 0xF040, 0x4000, 0x4048)
    missing = {address: "exception 2" for address in asked if address not in blocks}
    return Image(ip, port, unit, {address: tuple(block) for address, block in blocks.items()}, missing)


def acuvim(values: dict, serial: str | None = "AH24000011", order: str = "ABCD", **place) -> Image:
    """An Acuvim II; without a serial it has no identity block either."""
    blocks = {0x3000: live(values, order), 0x4000: live(values, order), 0x3400: fast_read(values), 0x4048: (0,) * 18}
    if serial is not None:
        blocks[0xC350] = sunspec(serial)
    return image(blocks, **place)
