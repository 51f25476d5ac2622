"""Spans of time as operators and Telegraf write them: 200ms, 1s, 10m, 12h, 30d."""

from __future__ import annotations

import re

from .errors import AcuvimError

_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)\Z")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(field: str, text: str) -> int:
    """Convert a span of more than 0; AcuvimError names the field."""
    match = _DURATION.match(text)
    if not match or not int(match[1]):
        raise AcuvimError(f"{field}: '{text}' is not an interval; write for example 200ms, 1s or 1m")
    return int(match[1]) * _MILLISECONDS[match[2]]
