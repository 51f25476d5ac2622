"""The targets file: where to look for meters, and what the operator calls them.

One IPv4 address or network a line, `#` starts a comment, options follow the address:

    10.10.4.0/24
    10.10.4.11   logger=1 name=generator
    10.10.4.50   unit=3 port=2003 power=kW
    10.10.4.12   state=absent
    10.10.4.13   interval=200ms profile=burst
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .durations import milliseconds
from .errors import AcuvimError

MODBUS_PORT = 502
ADDRESSES_MAX = 4096
POWER_SCALES = {"W": 1.0, "kW": 1000.0}

# A name becomes a label value and stands in a generated file: nothing that would need quoting.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")


@dataclass(frozen=True)
class Line:
    """One line of the file. None (or "") where the operator did not say."""

    network: ipaddress.IPv4Network
    where: str
    port: int = MODBUS_PORT
    unit: int | None = None
    logger: int | None = None
    name: str = ""
    power_scale: float | None = None
    is_absent: bool = False
    interval: str = ""
    is_burst: bool | None = None

    @property
    def is_single(self) -> bool:
        return self.network.num_addresses == 1

    @property
    def describes_a_meter(self) -> bool:
        """Whether it says more than where to look. A line that does not may overlap with any other."""
        given = (self.logger, self.name, self.power_scale, self.is_absent, self.interval)
        return any(given) or self.unit is not None or self.is_burst is not None


@dataclass(frozen=True)
class Host:
    """One TCP endpoint to ask. No units: the usual ones in turn, until one answers."""

    ip: str
    port: int
    units: tuple[int, ...] = ()


class Targets:
    """All lines of a file, checked against each other."""

    def __init__(self, lines: Iterable[Line], addresses_max: int = ADDRESSES_MAX):
        self.lines = tuple(lines)
        _refuse_too_many(self.lines, addresses_max)
        _refuse_contradictions(self.lines)

    def hosts(self) -> list[Host]:
        """Every endpoint once, in the order of address and port."""
        units: dict[tuple[ipaddress.IPv4Address, int], set[int]] = {}
        for line in self.lines:
            for ip in line.network.hosts():
                units.setdefault((ip, line.port), set()).update(() if line.unit is None else (line.unit,))
        return [Host(str(ip), port, tuple(sorted(units[ip, port]))) for ip, port in sorted(units)]

    def cover(self, ip: str, port: int, unit: int) -> bool:
        """Whether a meter at this place is listed."""
        return any(_reaches(line, ip, port, unit) for line in self.lines)

    def line_for(self, ip: str, port: int, unit: int) -> Line | None:
        """The line that describes this one meter, if there is one."""
        lines = (line for line in self.lines if line.describes_a_meter and _reaches(line, ip, port, unit))
        return next(lines, None)

    def lists_host(self, ip: str, port: int) -> bool:
        """Whether the operator named this endpoint himself, not only a network around it."""
        address = ipaddress.ip_address(ip)
        return any(line.is_single and address in line.network and line.port == port for line in self.lines)


def read(path: str, addresses_max: int = ADDRESSES_MAX) -> Targets:
    """Read a targets file; AcuvimError names file, line and remedy."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise AcuvimError(f"{path}: no such targets file; create it with one address or network a line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise AcuvimError(f"{path}: cannot be read as text ({error}); write it as UTF-8") from error
    return parse(text.splitlines(), path, addresses_max)


def parse(lines: Iterable[str], source: str, addresses_max: int = ADDRESSES_MAX) -> Targets:
    """Parse lines; `source` is what an error calls them."""
    return Targets(_parse_lines(lines, source), addresses_max)


def _parse_lines(lines: Iterable[str], source: str) -> Iterator[Line]:
    for number, text in enumerate(lines, 1):
        words = text.split("#", 1)[0].split()
        if words:
            yield _parse_line(words, f"{source} line {number}")


def _parse_line(words: list[str], where: str) -> Line:
    network = _network(words[0], where)
    options: dict[str, object] = {}
    for word in words[1:]:
        key, separator, value = word.partition("=")
        if not separator or key not in _OPTIONS:
            raise AcuvimError(f"{where}: '{word}' is not an option; known: {', '.join(f'{k}=' for k in _OPTIONS)}")
        if key != "port" and network.num_addresses > 1:
            raise AcuvimError(f"{where}: '{word}' is for one meter and {network} is many; give the meter its own line")
        field, convert = _OPTIONS[key]
        if field in options:
            raise AcuvimError(f"{where}: '{key}' is given twice; keep one")
        options[field] = convert(value, f"{where}: {word}")
    return Line(network, where, **options)


def _network(text: str, where: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        remedy = "write an IPv4 address such as 10.10.4.11 or a network such as 10.10.4.0/24"
        if "host bits" in str(error):
            remedy = f"for that network write {ipaddress.IPv4Network(text, strict=False)}"
        raise AcuvimError(f"{where}: '{text}' is not an address or network ({error}); {remedy}") from None


def _number(low: int, high: int):
    def convert(value: str, where: str) -> int:
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise AcuvimError(f"{where}: write a whole number from {low} to {high}")
        return int(value)

    return convert


def _name(value: str, where: str) -> str:
    if not _NAME.match(value):
        raise AcuvimError(f"{where}: use 1 to 63 letters, digits, '_', '.', '-', starting with a letter or digit")
    return value


def _power(value: str, where: str) -> float:
    if value not in POWER_SCALES:
        raise AcuvimError(f"{where}: write power=W or power=kW, the unit of the meter's power registers")
    return POWER_SCALES[value]


def _absent(value: str, where: str) -> bool:
    if value not in ("absent", "present"):
        raise AcuvimError(f"{where}: write state=absent for a meter that is out of service, else leave it out")
    return value == "absent"


def _interval(value: str, where: str) -> str:
    milliseconds(where, value)
    return value


def _profile(value: str, where: str) -> bool:
    if value not in ("burst", "normal"):
        raise AcuvimError(f"{where}: write profile=burst or profile=normal")
    return value == "burst"


# The word in the file, the field of Line it fills, and its rule.
_OPTIONS = {
    "logger": ("logger", _number(1, 999)),
    "name": ("name", _name),
    "unit": ("unit", _number(0, 255)),
    "port": ("port", _number(1, 65535)),
    "power": ("power_scale", _power),
    "state": ("is_absent", _absent),
    "interval": ("interval", _interval),
    "profile": ("is_burst", _profile),
}


def _refuse_too_many(lines: tuple[Line, ...], addresses_max: int) -> None:
    total = 0
    for line in lines:
        total += line.network.num_addresses
        if total > addresses_max:
            raise AcuvimError(
                f"{line.where}: with {line.network} there are {total} addresses to scan, more than {addresses_max}; "
                "name a smaller network or raise the limit on purpose (addresses_max)"
            )


def _refuse_contradictions(lines: tuple[Line, ...]) -> None:
    meters = [line for line in lines if line.describes_a_meter]
    _refuse_twice("logger", meters)
    _refuse_twice("name", meters)
    seen: dict[tuple[ipaddress.IPv4Network, int], list[Line]] = {}
    for line in meters:
        others = seen.setdefault((line.network, line.port), [])
        for other in others:
            if line.unit == other.unit or None in (line.unit, other.unit):
                raise AcuvimError(
                    f"{line.where}: {line.network.network_address} is already described in {other.where}; "
                    "keep one line, or give each a unit= of its own"
                )
        others.append(line)


def _refuse_twice(field: str, lines: list[Line]) -> None:
    seen: dict[object, Line] = {}
    for line in lines:
        value = getattr(line, field)
        if value and value in seen:
            raise AcuvimError(f"{line.where}: {field}={value} is already in {seen[value].where}; change one")
        seen[value] = line


def _reaches(line: Line, ip: str, port: int, unit: int) -> bool:
    return ipaddress.ip_address(ip) in line.network and line.port == port and line.unit in (None, unit)
