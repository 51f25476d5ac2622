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


# From the list of the legacy L series (manual V2.0.3), absolute.
LIVE_L = {
    "F": 0x600, "Va": 0x602, "Vb": 0x604, "Vc": 0x606, "Vab": 0x608, "Vbc": 0x60A, "Vca": 0x60C,
    "Ia": 0x60E, "Ib": 0x610, "Ic": 0x612, "In": 0x614, "Pa": 0x616, "Pb": 0x618, "Pc": 0x61A, "P": 0x61C,
    "Qa": 0x61E, "Qb": 0x620, "Qc": 0x622, "Q": 0x624, "S": 0x626, "PFa": 0x628, "PFb": 0x62A, "PFc": 0x62C,
    "PF": 0x62E, "Sa": 0x636, "Sb": 0x638, "Sc": 0x63A,
}  # fmt: skip
# Of Acuvim 3 (map v1.08), absolute.
LIVE_3 = {
    "F": 0x2114, "Va": 0x2116, "Vb": 0x2118, "Vc": 0x211A, "Vln": 0x211C, "Vab": 0x211E, "Vbc": 0x2120,
    "Vca": 0x2122, "Vll": 0x2124, "Ia": 0x2126, "Ib": 0x2128, "Ic": 0x212A, "In": 0x212C, "I": 0x212E,
    "Pa": 0x2130, "Pb": 0x2132, "Pc": 0x2134, "P": 0x2136, "Qa": 0x2138, "Qb": 0x213A, "Qc": 0x213C, "Q": 0x213E,
    "Sa": 0x2140, "Sb": 0x2142, "Sc": 0x2144, "S": 0x2146, "PFa": 0x2150, "PFb": 0x2152, "PFc": 0x2154, "PF": 0x2156,
}  # fmt: skip
LIVE_2100 = {
    name: 0x2000 + 2 * place
    for place, name in enumerate("F Va Vb Vc Vln Vab Vbc Vca Vll Ia Ib Ic I P Q S PF".split())  # noqa: SIM905
}
# The sum of the currents is at 0x2000.
LIVE_1310 = {
    name: 0x2002 + 2 * place
    for place, name in enumerate("Ia Ib Ic Vln Va Vb Vc Vll Vab Vbc Vca F".split())  # noqa: SIM905
}


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


def block(places: dict[str, int], values: dict, size: int, order: str = "ABCD") -> dict[int, tuple[int, ...]]:
    """The registers from the lowest of the places on, by their address; what has no place is 0."""
    first = min(places.values())
    registers = [0] * size
    for name, address in places.items():
        high, low = words(struct.pack(">f", values[name]))
        registers[address - first : address - first + 2] = (high, low) if order == "ABCD" else (low, high)
    return {first: tuple(registers)}


def legacy_l(values: dict, order: str = "ABCD") -> dict[int, tuple[int, ...]]:
    """The blocks of an Acuvim L; 3LN with 3 CT of 200 A to 5 A."""
    counters = {0x0156: (0, 1234, 0, 0, 0, 99, 0, 0, 0, 1300)}
    return {**block(LIVE_L, values, 60, order), **counters, 0x0103: (0, 0, 0, 400, 400, 200, 5)}


def acuvim3(values: dict, order: str = "ABCD") -> dict[int, tuple[int, ...]]:
    return {**block(LIVE_3, values, 68, order), 0x65CC: words(struct.pack(">29d", *[0.0] * 29))}


def acurev_2100(values: dict) -> dict[int, tuple[int, ...]]:
    """With the blocks that look like an Acuvim II by their address and hold something else."""
    return {**block(LIVE_2100, values, 34), 0x3000: (3, 7) * 30, 0x3400: (12, 5) * 15}


def acurev_1310(values: dict) -> dict[int, tuple[int, ...]]:
    total = words(struct.pack(">f", sum(values[f"I{phase}"] for phase in "abc")))
    return {0x2000: (*total, *block(LIVE_1310, values, 24)[0x2002])}


def acudc(volts: float = 540.0, amperes: float = 20.0) -> dict[int, tuple[int, ...]]:
    return {0x0200: words(struct.pack(">3f", volts, amperes, volts * amperes / 1000))}


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
