"""Influx line protocol, exactly as VictoriaMetrics reads it.

VictoriaMetrics removes a backslash before space, comma, equals sign and backslash, stores 0 for a value it cannot
read, and drops a whole request for one broken line. So the text is checked here, not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Value = int | float | bool | str


class LineError(ValueError):
    """A value that no line can carry."""


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, Value], ts_ns: int) -> str:
    """One line without its newline. An empty tag is left out, as the protocol wants it."""
    head = [escape_measurement(measurement)]
    head += [f"{escape_tag_value(key)}={escape_tag_value(value)}" for key, value in tags.items() if value]
    body = [f"{escape_tag_value(key)}={field_value(value)}" for key, value in fields.items()]
    if not body:
        raise LineError(f"{measurement}: a line needs at least one field")
    return f"{','.join(head)} {','.join(body)} {ts_ns:d}"


def escape_measurement(name: str) -> str:
    return _escaped(name, "\\, ")


def escape_tag_value(text: str) -> str:
    """A tag value, tag key or field key."""
    return _escaped(text, "\\,= ")


def escape_field_string(text: str) -> str:
    """The inside of a quoted string field."""
    return _escaped(text, '\\"')


def field_value(value: Value) -> str:
    """A field's value: 1 → 1i, 1.5 → 1.5, True → true, text → quoted text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise LineError(f"{value} is not a number that can be stored")
        return repr(value)
    return f'"{escape_field_string(value)}"'


def _escaped(text: str, special: str) -> str:
    for char in text:
        if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0:
            raise LineError(f"{text!a}: control character U+{ord(char):04X}")
        if 0xD800 <= ord(char) <= 0xDFFF:
            raise LineError(f"{text!a}: half a surrogate pair")
    return "".join(f"\\{char}" if char in special else char for char in text)
