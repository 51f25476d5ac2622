"""Ask every host for the register blocks that tell what it is: bounded, read-only, no judgement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from . import modbus, registers
from .families import FAMILIES
from .targets import Host

# Told after each host: how many are done, of how many.
Progress = Callable[[int, int], None]

# In the field's order: as delivered, "any" on a TCP meter, broadcast (read only), the first neighbour.
USUAL_UNITS = (1, 255, 0, 2)

# A gateway says 10 or 11 when it has no such unit; some devices say 4.
_NO_SUCH_UNIT = (4, 10, 11)


@dataclass(frozen=True)
class Pace:
    """How hard a scan may push: open hosts at a time, and connects a second over all of them."""

    hosts_at_once: int = 256
    connects_per_second: float = 800.0


@dataclass(frozen=True)
class Image:
    """What one unit answered: words by block address, and the reason for each block without words.

    unit is None when the endpoint as a whole gave nothing; `silence` then says how, and also for a unit
    that is not there. It is empty for a unit that answered anything, be it refusals.
    """

    ip: str
    port: int
    unit: int | None
    words: dict[int, tuple[int, ...]] = field(default_factory=dict)
    missing: dict[int, str] = field(default_factory=dict)
    silence: str = ""


def scan(
    hosts: Iterable[Host],
    timing: modbus.Timing,
    pace: Pace,
    progress: Progress | None = None,
) -> list[Image]:
    """Probe all hosts at once within `pace`; images come in the order of the hosts."""
    return asyncio.run(_scan(list(hosts), timing, pace, progress))


async def _scan(hosts: list[Host], timing: modbus.Timing, pace: Pace, progress: Progress | None) -> list[Image]:
    pacer = modbus.Pacer(pace.connects_per_second)
    places = asyncio.Semaphore(pace.hosts_at_once)
    done = 0

    async def one(host: Host) -> list[Image]:
        nonlocal done
        async with places:
            images = await _probe(host, modbus.Client(host.ip, host.port, timing, pacer))
        done += 1
        if progress:
            progress(done, len(hosts))
        return images

    return [image for images in await asyncio.gather(*map(one, hosts)) for image in images]


async def _probe(host: Host, client: modbus.Client) -> list[Image]:
    """One image for each unit that was named, else one for the first usual unit that answers."""
    try:
        images = []
        for unit in host.units or USUAL_UNITS:
            images.append(await _ask(client, host, unit))
            if not host.units and not images[-1].silence:
                return images[-1:]
        return images if host.units else [_nobody(host, f"no unit of {USUAL_UNITS}: {images[0].silence}")]
    except (modbus.NoConnection, modbus.NotModbus) as error:
        return [*images, _nobody(host, str(error))]
    finally:
        await client.close()


async def _ask(client: modbus.Client, host: Host, unit: int) -> Image:
    """Read what may be there of one unit; raises when the endpoint fails before the unit answered anything."""
    image = Image(host.ip, host.port, unit)
    answered = False
    for address, count in _blocks(image):
        try:
            image.words[address] = await client.read(unit, address, count)
            answered = True
        except modbus.Refused as refused:
            image.missing[address] = str(refused)
            answered = answered or refused.code not in _NO_SUCH_UNIT
        except (modbus.NoConnection, modbus.NotModbus) as error:
            if not answered:
                raise
            image.missing[address] = str(error)
        except modbus.NoReply as error:
            image.missing[address] = str(error)
        if address == registers.FAST_READ and not answered:
            return replace(image, silence=image.missing[registers.LIVE])
    return image


def _blocks(image: Image) -> Iterator[tuple[int, int]]:
    """What to ask next, by what the unit has answered so far: address and registers.

    A unit that answers neither of the first two is not there. One that says who made it and shows live values
    is not asked for what other families keep.
    """
    first, *others = FAMILIES
    yield registers.LIVE, first.size
    yield registers.FAST_READ, registers.FAST_READ_SIZE
    yield from registers.IDENTITY.items()
    yield registers.LIVE_SECOND, first.size
    if _has_any(image, first.blocks):
        yield from first.more.items()
        if any(any(image.words.get(block, ())) for block in (registers.SUNSPEC, registers.MODEL_CODE)):
            return
    yield registers.SUNSPEC_ACUREV, registers.IDENTITY[registers.SUNSPEC]
    for family in others:
        for block in family.blocks:
            if block not in image.words:
                yield block, family.size
        if _has_any(image, family.blocks):
            yield from family.more.items()


def _has_any(image: Image, blocks: Iterable[int]) -> bool:
    return any(block in image.words for block in blocks)


def _nobody(host: Host, reason: str) -> Image:
    return Image(host.ip, host.port, None, silence=reason)
