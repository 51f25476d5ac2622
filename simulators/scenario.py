"""A load scenario: power over time for every system of a rig, and its true energy.

One file drives the GX and the meters. Power is piecewise linear, so its energy is known exactly: `Scenario.energy_wh`
is the truth that reports are judged by. The format is described in scenarios/README.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

# What a system may be, and how often it reads itself unless the file says so [s]. A GX does it about every second; a
# round number would keep step with the scenario.
KINDS = {"gx": 1.07, "acuvim": 0.1}
GOLDEN_RATIO = 0.6180339887498949


class ScenarioError(ValueError):
    """A scenario file that cannot be used; the text names the field, its value and the remedy."""


@dataclass(frozen=True)
class System:
    """What one rig or meter sees of the load."""

    id: str
    kind: str
    scale: float
    phase_shares: tuple[float, float, float]
    voltage_v: float
    frequency_hz: float
    power_factor: float
    refresh_s: float


@dataclass(frozen=True)
class Segment:
    """A straight piece of the load: from `start_w` to `end_w` within `seconds`."""

    start_w: float
    end_w: float
    seconds: float

    def power_w(self, t_s: float) -> float:
        return self.start_w + (self.end_w - self.start_w) * t_s / self.seconds

    def joules(self, t_s: float) -> float:
        """The energy of its first `t_s` seconds."""
        return (self.start_w + self.power_w(t_s)) / 2 * t_s


class Scenario:
    """Load over time, `t_s` in seconds since the scenario's epoch; any time is valid, also before it.

    A repeating scenario is periodic for all time; another one keeps its first level before and its last level after.
    At a step the later level counts.
    """

    def __init__(self, segments: list[Segment], systems: dict[str, System], repeat: bool, seed: int | None = None):
        self.systems = systems
        self.repeat = repeat
        self.seed = seed
        self._segments = segments
        self._ends_s = list(accumulate(segment.seconds for segment in segments))
        self._starts_s = [0.0, *self._ends_s[:-1]]
        self._joules = list(accumulate((segment.joules(segment.seconds) for segment in segments), initial=0.0))

    @classmethod
    def load(cls, path: str | Path, seed: int | None = None) -> Scenario:
        """Read a file; a seed perturbs its levels. Raises ScenarioError."""
        return _read(Path(path), seed)

    @property
    def cycle_s(self) -> float:
        """Length of one cycle."""
        return self._ends_s[-1]

    def power_w(self, system_id: str, t_s: float) -> float:
        """Real power that the system shows at that moment [W]."""
        _, rest_s = self._in_cycle(t_s)
        if not 0 <= rest_s < self.cycle_s:
            level_w = self._segments[0].start_w if rest_s < 0 else self._segments[-1].end_w
        else:
            index = bisect_right(self._starts_s, rest_s) - 1
            level_w = self._segments[index].power_w(rest_s - self._starts_s[index])
        return self.system(system_id).scale * level_w

    def energy_wh(self, system_id: str, t0_s: float, t1_s: float) -> float:
        """The true energy from `t0_s` to `t1_s` [Wh]: the integral of the pieces, exact; negative when t1 < t0."""
        return self.system(system_id).scale * (self._joules_until(t1_s) - self._joules_until(t0_s)) / 3600

    def system(self, system_id: str) -> System:
        try:
            return self.systems[system_id]
        except KeyError:
            known = ", ".join(self.systems)
            raise ScenarioError(f"the scenario has no system {system_id!r}: use one of {known}") from None

    def _in_cycle(self, t_s: float) -> tuple[float, float]:
        return divmod(t_s, self.cycle_s) if self.repeat else (0.0, t_s)

    def _joules_until(self, t_s: float) -> float:
        cycles, rest_s = self._in_cycle(t_s)
        whole = cycles * self._joules[-1]
        if rest_s < 0:
            return self._segments[0].start_w * rest_s
        if rest_s >= self.cycle_s:
            return whole + self._joules[-1] + self._segments[-1].end_w * (rest_s - self.cycle_s)
        index = bisect_right(self._starts_s, rest_s) - 1
        return whole + self._joules[index] + self._segments[index].joules(rest_s - self._starts_s[index])


def _read(path: Path, seed: int | None) -> Scenario:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror}); give the path of a scenario file") from None
    except ValueError as error:
        raise ScenarioError(f"{path}: is not JSON ({error})") from None
    fields = _Fields(content, path.name)
    fields.only("about", "repeat", "start_w", "pieces", "systems")
    levels = _Levels(seed)
    start_w = levels.next(fields.number("start_w"))
    pieces = fields.value("pieces", list, "a list of pieces")
    segments = list(_segments(start_w, pieces, f"{path.name}: pieces", levels))
    systems = fields.value("systems", dict, "an object with a system id for each name")
    if not segments or not systems:
        raise ScenarioError(f"{path.name}: pieces and systems must not be empty")
    repeat = fields.value("repeat", bool, "true or false")
    where = f"{path.name}: systems"
    return Scenario(segments, {name: _system(name, given, where) for name, given in systems.items()}, repeat, seed)


class _Levels:
    """Scales each level of a file by a factor of its own; without a seed by 1."""

    def __init__(self, seed: int | None):
        self._random = None if seed is None else random.Random(f"levels {seed}")
        # Steps of the golden ratio keep the totals of neighbouring seeds well apart, as independent draws would not.
        self._whole = 1.0 if seed is None else 0.85 + 0.3 * (seed * GOLDEN_RATIO % 1)

    def next(self, level_w: float) -> float:
        return level_w * self._whole * (self._random.uniform(0.96, 1.04) if self._random else 1.0)


def _segments(level_w: float, pieces: list, where: str, levels: _Levels) -> Iterator[Segment]:
    for index, given in enumerate(pieces):
        fields = _Fields(given, f"{where}[{index}]")
        make, names = PIECES[fields.choice("kind", PIECES)]
        fields.only("kind", *names)
        made = make(fields, level_w, levels)
        level_w = made[-1].end_w
        yield from made


def _hold(fields: _Fields, level_w: float, _: _Levels) -> list[Segment]:
    return [Segment(level_w, level_w, fields.positive("seconds"))]


def _ramp(fields: _Fields, level_w: float, levels: _Levels) -> list[Segment]:
    return [Segment(level_w, levels.next(fields.number("to_w")), fields.positive("seconds"))]


def _step(fields: _Fields, _: float, levels: _Levels) -> list[Segment]:
    level_w = levels.next(fields.number("to_w"))
    return [Segment(level_w, level_w, fields.positive("seconds"))]


def _pulses(fields: _Fields, level_w: float, levels: _Levels) -> list[Segment]:
    high_w, on_s, off_s = levels.next(fields.number("to_w")), fields.positive("on_s"), fields.positive("off_s")
    pulse = [Segment(high_w, high_w, on_s), Segment(level_w, level_w, off_s)]
    return pulse * fields.whole("count")


PIECES = {
    "hold": (_hold, ("seconds",)),
    "ramp": (_ramp, ("to_w", "seconds")),
    "step": (_step, ("to_w", "seconds")),
    "pulses": (_pulses, ("to_w", "on_s", "off_s", "count")),
}


def _system(name: str, given: object, where: str) -> System:
    fields = _Fields(given, f"{where}.{name}")
    fields.only("kind", "scale", "phase_shares", "voltage_v", "frequency_hz", "power_factor", "refresh_s")
    kind = fields.choice("kind", KINDS)
    return System(
        id=name,
        kind=kind,
        scale=fields.positive("scale"),
        phase_shares=fields.shares("phase_shares"),
        voltage_v=fields.positive("voltage_v"),
        frequency_hz=fields.positive("frequency_hz"),
        power_factor=fields.positive("power_factor", most=1.0),
        refresh_s=fields.positive("refresh_s", default=KINDS[kind]),
    )


class _Fields:
    """The fields of one JSON object, read with errors that say where, what and how to mend it."""

    def __init__(self, given: object, where: str):
        if not isinstance(given, dict):
            raise ScenarioError(f"{where} is {given!r}: give an object")
        self._given = given
        self._where = where

    def only(self, *known: str) -> None:
        for name in self._given.keys() - set(known):
            raise ScenarioError(f"{self._where}: {name} is not known: use {', '.join(known)}")

    def value(self, name: str, kind: type, remedy: str):
        value = self._given.get(name)
        if not isinstance(value, kind):
            raise self._wrong(name, remedy)
        return value

    def choice(self, name: str, options: Mapping[str, object]) -> str:
        if self._given.get(name) not in list(options):
            raise self._wrong(name, f"one of {', '.join(options)}")
        return self._given[name]

    def number(self, name: str) -> float:
        value = self._given.get(name)
        if not _is_number(value) or value < 0:
            raise self._wrong(name, "a number, 0 or more")
        return float(value)

    def positive(self, name: str, default: float | None = None, most: float | None = None) -> float:
        value = self._given.get(name, default)
        if not _is_number(value) or value <= 0 or (most is not None and value > most):
            raise self._wrong(name, "a number above 0" + ("" if most is None else f", at most {most:g}"))
        return float(value)

    def whole(self, name: str) -> int:
        value = self._given.get(name)
        if not _is_number(value) or value < 1 or value % 1:
            raise self._wrong(name, "a whole number, 1 or more")
        return int(value)

    def shares(self, name: str) -> tuple[float, float, float]:
        value = self._given.get(name)
        if not isinstance(value, list) or len(value) != 3 or not all(map(_is_number, value)):
            raise self._wrong(name, "three numbers that add up to 1")
        if min(value) < 0 or abs(sum(value) - 1) > 1e-9:
            raise self._wrong(name, "three numbers that add up to 1")
        return tuple(value)

    def _wrong(self, name: str, remedy: str) -> ScenarioError:
        return ScenarioError(f"{self._where}: {name} is {self._given.get(name)!r}: give {remedy}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.scenario", description="Print the true energy [Wh] of a system between two moments."
    )
    parser.add_argument("file")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--system", required=True, metavar="ID")
    for name, what in (("epoch", "when the scenario began"), ("start", "from"), ("end", "until")):
        parser.add_argument(f"--{name}", required=True, type=int, metavar="NS", help=f"{what} [ns since 1970]")
    options = parser.parse_args()
    try:
        scenario = Scenario.load(options.file, options.seed)
        start_s, end_s = ((moment - options.epoch) / 1e9 for moment in (options.start, options.end))
        print(repr(scenario.energy_wh(options.system, start_s, end_s)))
    except ScenarioError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
