"""Decide what answered, from its registers alone, and say why.

Identity registers are the best evidence; a meter without them is known by its physics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from . import instrument, physics, registers
from .families import ACUVIM2, FAMILIES, Family, Slow
from .probe import Image

METER = "meter"
PROBABLE = "probable (no signal)"
UNSUPPORTED = "seen, not supported"
OTHER = "not an Acuvim"
SILENT = "no answer"

# How the model code at 0xF000 begins, for the maker and for those who sell the same meter.
MODEL_CODES = {
    "Accuenergy": ("CU0", "CP0", "CP2", "CP4", "CU2", "CV0", "CM0"),
    "Eaton": ("CRD", "CPG", "CXD", "CPD", "CUG", "CUD", "CPE", "CPH", "EPH"),
    "DEIF": ("CPB", "CUB"),
    "ABB": ("CS0", "CG0"),
}


@dataclass(frozen=True)
class Finding:
    """One unit's verdict and its evidence; where it is a meter, what to poll and how.

    block is None for a meter that cannot be polled now. Not settled yet, because nothing is live: word_order
    is "", power_scale [W per register unit] is None. wiring ("3LN 3CT"), ct and pt ("200/5") are the meter's
    settings, empty where they were not read. values are the live ones by field name in the units of the meter's
    registers, and the angles to Va [°]; only what is a number.
    """

    ip: str
    port: int
    unit: int | None
    verdict: str
    evidence: tuple[str, ...]
    serial: str = ""
    model: str = ""
    firmware: str = ""
    family: str = ACUVIM2
    block: int | None = None
    word_order: str = ""
    power_scale: float | None = None
    has_energy: bool = False
    has_demand: bool = False
    has_thd: bool = False
    has_fast_read: bool = False
    wiring: str = ""
    ct: str = ""
    pt: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Identity:
    is_acuvim: bool
    said: str
    serial: str = ""
    model: str = ""
    firmware: str = ""
    is_accuenergy: bool = True


@dataclass(frozen=True)
class _Reading:
    family: Family
    block: int
    word_order: str
    accepted: bool | None
    evidence: tuple[str, ...]
    values: physics.Values


def identify(image: Image) -> Finding:
    """Judge one image; the same image always gives the same finding."""
    if image.silence:
        return _finding(image, SILENT, (image.silence,))
    identity = _sunspec(image) or _model_code(image)
    if identity and not identity.is_acuvim:
        return _finding(image, UNSUPPORTED if identity.is_accuenergy else OTHER, (identity.said,), identity)
    readings = [reading for family in FAMILIES if family.is_polled for reading in _readings(image, family)]
    reading = _best(readings, trusted=identity is not None)
    if reading and reading.accepted is not None:
        return _meter(image, identity, reading)
    if not identity and (other := _recognised(image)):
        return _finding(image, UNSUPPORTED, other)
    if reading:
        return _meter(image, identity, reading)
    if identity:
        return _finding(image, PROBABLE, (identity.said, *_why_not(image, readings)), identity)
    if any(reading.accepted is None for reading in readings):
        return _finding(image, PROBABLE, ("all live values are 0", "no identity registers"))
    return _finding(image, OTHER, _why_not(image, readings))


def _best(readings: list[_Reading], trusted: bool) -> _Reading | None:
    """The reading to poll. What says it is an Acuvim is one also without voltage, or with a sum that is off."""
    rules = [lambda reading: reading.accepted]
    if trusted:
        rules += [lambda reading: physics.has_frequency(reading.values), lambda reading: reading.accepted is None]
    return next((reading for rule in rules for reading in readings if rule(reading)), None)


def _meter(image: Image, identity: _Identity | None, reading: _Reading) -> Finding:
    scale, scale_said = physics.power_scale(reading.values)
    family = reading.family
    settings, doubts = instrument.settings(image, family, reading.values)
    said = (
        identity.said if identity else "no identity registers",
        f"map of {family.title} at {reading.block:#06x}",
        *reading.evidence,
        scale_said,
        *doubts,
    )
    return _finding(
        image,
        METER,
        said,
        identity,
        family=family.name,
        block=reading.block,
        word_order="" if reading.accepted is None else reading.word_order,
        power_scale=scale,
        has_energy=_answered(image, family.energy),
        has_demand=_answered(image, family.demand),
        has_thd=_answered(image, family.thd),
        has_fast_read=_answered(image, family.fast_read),
        values={**_finite(reading.values), **instrument.angles(image, family)},
        **settings,
    )


def _answered(image: Image, part: Slow | None) -> bool:
    return part is not None and part.address in image.words


def _finite(values: physics.Values) -> dict[str, float]:
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _finding(
    image: Image, verdict: str, evidence: tuple[str, ...], identity: _Identity | None = None, **more
) -> Finding:
    if identity:
        more.update(serial=identity.serial, model=identity.model, firmware=identity.firmware)
    return Finding(image.ip, image.port, image.unit, verdict, evidence, **more)


def _sunspec(image: Image) -> _Identity | None:
    for block in (registers.SUNSPEC, registers.SUNSPEC_ACUREV):
        words = image.words.get(block, ())
        if registers.text(words[:2]) == "SunS":
            return _of_sunspec(words)
    return None


def _of_sunspec(words: tuple[int, ...]) -> _Identity:
    maker, model, option = (registers.text(words[start:end]) for start, end in ((4, 20), (20, 36), (36, 44)))
    is_accuenergy = maker.lower() == "accuenergy"
    return _Identity(
        is_accuenergy and not model.lower().startswith(("acurev", "acudc")),
        f"SunSpec block of {maker or 'no maker'}, model {model or '-'}",
        serial=registers.text(words[52:68]),
        model=" ".join(filter(None, (model, option))),
        firmware=registers.text(words[44:52]),
        is_accuenergy=is_accuenergy,
    )


def _model_code(image: Image) -> _Identity | None:
    code = registers.text(image.words.get(registers.MODEL_CODE, ()))
    for maker, prefixes in MODEL_CODES.items():
        if code.startswith(prefixes):
            serial = registers.text(image.words.get(registers.SERIAL_CODE, ()))
            return _Identity(True, f"model code {code} of {maker}", serial, model=code)
    return None


def _readings(image: Image, family: Family) -> Iterator[_Reading]:
    for block in family.blocks:
        for word_order in ("ABCD", "CDAB") if len(image.words.get(block, ())) >= family.size else ():
            values = family.values(image.words[block], word_order)
            yield _Reading(family, block, word_order, *family.judge(values), values)


def _recognised(image: Image) -> tuple[str, ...]:
    """The evidence for a meter of the same maker that is not polled; empty when it is none."""
    others = (reading for family in FAMILIES if not family.is_polled for reading in _readings(image, family))
    reading = next((reading for reading in others if reading.accepted), None)
    if not reading:
        return ()
    return (f"map of {reading.family.title} at {reading.block:#06x}, which is not polled", *reading.evidence)


def _why_not(image: Image, readings: list[_Reading]) -> tuple[str, ...]:
    said = [f"{reading.block:#06x} {reading.word_order}: {'; '.join(reading.evidence)}" for reading in readings]
    if registers.FAST_READ in image.words and not any(reading.accepted is None for reading in readings):
        said.append("0x3400 answers and no map does: if this is an Acuvim, switch its fast-read mode off")
    places: dict[str, list[str]] = {}
    for block, why in image.missing.items():
        places.setdefault(why, []).append(f"{block:#06x}")
    return (*said, *(f"{' '.join(blocks)}: {why}" for why, blocks in places.items()))
