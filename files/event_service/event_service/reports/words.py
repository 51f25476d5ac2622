"""Figures, times and foreign text as an operator reads them."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

NS_PER_S = 10**9
SPACE = "\u202f"
SHOWN_CONTROLS = "\n"


@dataclass(frozen=True)
class Clock:
    """Local time of one place. `known` is False if its zone has no rules here and UTC stands in for it."""

    zone: tzinfo
    name: str
    known: bool = True

    def at(self, ns: int) -> datetime:
        whole, rest = divmod(ns, NS_PER_S)
        # replace and not +: adding a timedelta forgets which 02:30 it was when summer time ended.
        return datetime.fromtimestamp(whole, self.zone).replace(microsecond=rest // 1000)

    def time(self, ns: int) -> str:
        """Time of day to the second, the nearest below."""
        return f"{self.at(ns):%H:%M:%S}"

    def full(self, ns: int) -> str:
        """Date, time and offset: 2026-11-24 07:12:03 UTC+01:00."""
        local = self.at(ns)
        return f"{local:%Y-%m-%d %H:%M:%S} {offset(local)}"


def clock(name: str) -> Clock:
    """The clock of a zone by its name, as Europe/Berlin."""
    try:
        return Clock(ZoneInfo(name), name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Clock(UTC, name, known=name.upper() in ("UTC", "ETC/UTC"))


def offset(local: datetime) -> str:
    """UTC+01:00 for a time with a zone, UTC without a difference."""
    minutes = int(local.utcoffset().total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours:02}:{rest:02}" if minutes else "UTC"


def span(clock: Clock, start_ns: int, end_ns: int) -> str:
    """From when to when, the date once if it is one day."""
    start, end = clock.at(start_ns), clock.at(end_ns)
    if (start.date(), offset(start)) == (end.date(), offset(end)):
        return f"{start:%Y-%m-%d} {start:%H:%M:%S} to {end:%H:%M:%S} {offset(end)}"
    return f"{clock.full(start_ns)} to {clock.full(end_ns)}"


def duration(seconds: float) -> str:
    """As 1 h 30 min 12 s; tenths of a second below a minute."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (left, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def quantity(value: float | None, unit: str, decimals: int | None = None) -> str:
    """A value with its unit, in thousands (kW, kWh) from 1000 on; "not measured" for None."""
    if value is None:
        return "not measured"
    scaled, prefix = (value / 1000, "k") if abs(value) >= 1000 else (value, "")
    if decimals is None:
        decimals = 2 if prefix else 1
    return f"{number(scaled, decimals)} {prefix}{unit}"


def with_half(value: float, half: float, unit: str) -> tuple[str, str, str]:
    """Value and half-width with as many digits as the half-width deserves (two), and their unit."""
    scale, prefix = (1000, "k") if abs(value) >= 1000 else (1, "")
    decimals = _decimals(half / scale)
    return number(value / scale, decimals), number(half / scale, decimals), f"{prefix}{unit}"


def number(value: float, decimals: int) -> str:
    """Digits grouped by three with a narrow space, a true minus, no negative zero."""
    text = f"{value:,.{decimals}f}".replace(",", SPACE)
    if text.startswith("-"):
        text = text[1:] if not float(text[1:].replace(SPACE, "")) else f"−{text[1:]}"
    return text


def percent(ratio: float, decimals: int = 1) -> str:
    return f"{ratio * 100:.{decimals}f} %"


def visible(text: str) -> str:
    """Text in which nothing hides: controls and direction marks appear as ⟨U+202E⟩."""
    return "".join(f"⟨U+{ord(c):04X}⟩" if _hides(c) else c for c in text)


def _decimals(half: float) -> int:
    if half <= 0:
        return 3
    return min(max(1 - math.floor(math.log10(half)), 0), 4)


def _hides(c: str) -> bool:
    """Control, format (direction, zero width) and lone surrogate characters; not joiners of emoji."""
    return unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in SHOWN_CONTROLS and c != "\u200d"
