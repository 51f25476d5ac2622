"""The exporter as the tests see it: imported from the one file that ships, without a bus and what a GX may lack.

Runs on Python 3.8 too, like the tests that use it: see test_portability.py.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from tests.unit.gx.portable import modules_missing

REPO = Path(__file__).parents[3]
FOLDER = REPO / "files" / "gx"
PROGRAM = FOLDER / "dbus2prom.py"
MAPS = {"fast": FOLDER / "map_fast.tsv", "slow": FOLDER / "map_slow.tsv"}


def _load():
    spec = importlib.util.spec_from_file_location("dbus2prom", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    with modules_missing():
        spec.loader.exec_module(module)
    return module


dbus2prom = _load()


def at(seconds: float):
    """The moment so many seconds after the start of a test."""
    return dbus2prom.Now(seconds, 1_700_000_000.0 + seconds)


def view(*lines: str, name: str = "fast"):
    """A view of map lines written with spaces instead of tabs."""
    rows, problems = dbus2prom.parse_map("\n".join("\t".join(line.split()) for line in lines))
    assert not problems, problems
    return dbus2prom.View(name, rows)


def bus(services: dict[str, dict], now=None):
    """A cache that has read these services; values by path."""
    now = now or at(0)
    cache = dbus2prom.Cache()
    for number, (name, values) in enumerate(services.items()):
        service = cache.appear("com.victronenergy." + name, f":1.{number}", now)
        cache.update(service, values, now)
        cache.set_ready(service, True, now)
    return cache


def service(cache, name: str):
    return cache.services["com.victronenergy." + name]


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def samples(text: str) -> dict[tuple, float]:
    """Read exposition format 0.0.4 strictly: {(metric, ((label, value), ...)): number}; a doubled series fails."""
    found: dict[tuple, float] = {}
    typed: list[str] = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            typed.append(line.split()[2])
        if line.startswith("#"):
            continue
        metric, labels, number = SAMPLE.fullmatch(line).groups()
        series = (metric, tuple(sorted(LABEL.findall(labels or ""))))
        assert typed[-1] == metric, f"{line} stands under the TYPE of {typed[-1]}"
        assert series not in found, f"{line} is there twice"
        found[series] = float(number)
    assert len(typed) == len(set(typed)), "a metric is in two places"
    return found


def served(view, cache) -> dict[str, float]:
    """What a view serves now, by its text up to the value."""
    lines = [line for line in view.lines(cache) if not line.startswith("#")]
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}
