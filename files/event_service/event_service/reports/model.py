"""What a report is made from and what making one gives. Times are ns since the epoch, UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


class ReportError(Exception):
    """A report could not be made; the text says why and what to do."""


@dataclass(frozen=True)
class SystemSpan:
    """One system's part of a run: a rig or a meter, and when it took part."""

    system_id: str
    location: str | None
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class Note:
    ts_ns: int
    system_id: str
    event_id: str
    text: str


@dataclass(frozen=True)
class Image:
    ts_ns: int
    system_id: str
    path: str
    caption: str | None


@dataclass(frozen=True)
class ReportRequest:
    """One run of an event and the version of its report that is wanted."""

    event_id: str
    run_id: str
    version: int
    start_ns: int
    end_ns: int
    timezone: str
    created_ns: int
    systems: tuple[SystemSpan, ...]
    notes: tuple[Note, ...]
    images: tuple[Image, ...] = ()


@dataclass(frozen=True)
class Made:
    """A finished report: `digest` identifies the samples it rests on, `summary` is a few lines of data.json."""

    state: Literal["provisional", "final"]
    digest: str
    folder: Path
    summary: dict = field(default_factory=dict)
