"""Decide what answered, from its registers alone, and say why.

Identity registers are the best evidence; a meter without them is known by its physics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import physics, registers
from .probe import Image

METER = "meter"
PROBABLE = "probable (no signal)"
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
    is "", power_scale [W per register unit] is None.
    """

    ip: str
    port: int
    unit: int | None
    verdict: str
    evidence: tuple[str, ...]
    serial: str = ""
    model: str = ""
    firmware: str = ""
    block: int | None = None
    word_order: str = ""
    power_scale: float | None = None
    has_energy: bool = False


@dataclass(frozen=True)
class _Identity:
    is_acuvim: bool
    said: str
    serial: str = ""
    model: str = ""
    firmware: str = ""


@dataclass(frozen=True)
class _Reading:
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
        return _finding(image, OTHER, (identity.said,))
    readings = list(_readings(image))
    reading = _best(readings, trusted=identity is not None)
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
    said = (identity.said if identity else "no identity registers", *reading.evidence, scale_said)
    return _finding(
        image,
        METER,
        said,
        identity,
        block=reading.block,
        word_order="" if reading.accepted is None else reading.word_order,
        power_scale=scale,
        has_energy=registers.ENERGY in image.words,
    )


def _finding(
    image: Image, verdict: str, evidence: tuple[str, ...], identity: _Identity | None = None, **more
) -> Finding:
    if identity:
        more.update(serial=identity.serial, model=identity.model, firmware=identity.firmware)
    return Finding(image.ip, image.port, image.unit, verdict, evidence, **more)


def _sunspec(image: Image) -> _Identity | None:
    words = image.words.get(registers.SUNSPEC)
    if not words or registers.text(words[:2]) != "SunS":
        return None
    maker, model, option = (registers.text(words[start:end]) for start, end in ((4, 20), (20, 36), (36, 44)))
    is_acuvim = maker.lower() == "accuenergy" and "acurev" not in model.lower() and "acudc" not in model.lower()
    return _Identity(
        is_acuvim,
        f"SunSpec block of {maker or 'no maker'}, model {model or '-'}",
        serial=registers.text(words[52:68]),
        model=" ".join(filter(None, (model, option))),
        firmware=registers.text(words[44:52]),
    )


def _model_code(image: Image) -> _Identity | None:
    code = registers.text(image.words.get(registers.MODEL_CODE, ()))
    for maker, prefixes in MODEL_CODES.items():
        if code.startswith(prefixes):
            serial = registers.text(image.words.get(registers.SERIAL_CODE, ()))
            return _Identity(True, f"model code {code} of {maker}", serial, model=code)
    return None


def _readings(image: Image) -> Iterator[_Reading]:
    for block in (registers.LIVE, registers.LIVE_SECOND):
        for word_order in ("ABCD", "CDAB") if block in image.words else ():
            values = registers.live_values(image.words[block], word_order)
            yield _Reading(block, word_order, *physics.judge(values), values)


def _why_not(image: Image, readings: list[_Reading]) -> tuple[str, ...]:
    said = [f"{reading.block:#06x} {reading.word_order}: {'; '.join(reading.evidence)}" for reading in readings]
    if not readings and registers.FAST_READ in image.words:
        said.append("only 0x3400 answers: if this is an Acuvim, switch its fast-read mode off")
    missing = [f"{block:#06x}: {why}" for block, why in image.missing.items()]
    return (*said, *missing)
