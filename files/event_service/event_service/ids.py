"""Ids and texts as people type them: checked, trimmed, one spelling per system."""

from __future__ import annotations

import re
import unicodedata

from event_service.errors import Invalid

ID_MAX = 256
TEXT_MAX = 10_000

LOGGER = re.compile(r"logger\s+(\d+)", re.IGNORECASE)


def system_id(value: str) -> str:
    """The canonical id of a system: trimmed, and `Logger X` is the meter `acuvim_1X`."""
    name = label("system_id", value)
    logger = LOGGER.fullmatch(name)
    return f"acuvim_1{logger[1]}" if logger else name


def label(field: str, value: str) -> str:
    """A text that may become a label: one line, no control characters, trimmed, in Unicode's composed form.

    Two spellings of é would be two time series that look alike. Empty stays empty.
    """
    return _checked(field, value, ID_MAX, allowed="")


def text(field: str, value: str) -> str:
    """A note's text: lines are allowed, other control characters are not."""
    return _checked(field, value.replace("\r\n", "\n"), TEXT_MAX, allowed="\n\t")


def _checked(field: str, value: str, longest: int, allowed: str) -> str:
    for char in value:
        if char not in allowed and unicodedata.category(char) in ("Cc", "Cs"):
            raise Invalid(field, value, f"has the character U+{ord(char):04X}; use printable text")
    clean = unicodedata.normalize("NFC", value.strip())
    if len(clean) > longest:
        raise Invalid(field, value, f"is {len(clean)} characters long; use at most {longest}")
    return clean
