"""The fields of requests: how each is read, refused and described. One table serves the checks and the OpenAPI page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from event_service import ids
from event_service.errors import Invalid, Malformed

INT64_MAX = 2**63 - 1


@dataclass(frozen=True)
class Field:
    """A field of a JSON body or a query: its JSON schema, how a value is read, and whether it must be there."""

    schema: dict
    read: Callable[[str, Any], Any]
    needed: bool = False
    otherwise: Any = None


Fields = Mapping[str, Field]


def read(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the fields allow, by name. Absent, null and blank text count as not given."""
    return {name: _read_one(name, field, values.get(name)) for name, field in fields.items()}


def _read_one(name: str, field: Field, value: Any) -> Any:
    found = None if value is None else field.read(name, value)
    if found is None or found == "":
        if field.needed:
            raise Malformed(f"{name} is missing; send it as {field.schema['description']}", errors=[{"field": name}])
        return field.otherwise
    return found


def text(check: Callable[[str, str], str], description: str, *, needed: bool = False) -> Field:
    """A text field; `check` gives its clean form or raises Invalid."""

    def read_text(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise Invalid(name, value, "is not a text; put it in quotes")
        return check(name, value)

    return Field({"type": "string", "description": description}, read_text, needed)


def whole(description: str, *, least: int = -INT64_MAX, most: int = INT64_MAX, needed=False, otherwise=None) -> Field:
    """A whole number; in a query it comes as text."""

    def read_whole(name: str, value: Any) -> int:
        if isinstance(value, str) and len(value) < 20 and value.isascii() and value.removeprefix("-").isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(name, value, "is not a whole number; send digits only")
        if not least <= value <= most:
            raise Invalid(name, value, f"is out of range; use {least} to {most}")
        return value

    schema = {"type": "integer", "format": "int64", "description": description, "minimum": least, "maximum": most}
    return Field(schema, read_whole, needed, otherwise)


def flag(description: str) -> Field:
    def read_flag(name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Invalid(name, value, "is neither true nor false; send one of them")
        return value

    return Field({"type": "boolean", "description": description}, read_flag, otherwise=False)


SYSTEM = text(lambda _, value: ids.system_id(value), "id of a rig or meter; SYSTEM_ID of the box where left out")
EVENT = text(ids.label, "id of the event, for example load_test")
LOCATION = text(ids.label, "name of the place, for example warehouse")
NOTE = text(ids.text, "a note in the operator's words")
TIME = whole("when it happened, in ns since the epoch; now where left out", least=0)
RUN = text(ids.label, "id of a run; the latest where left out")


def needed(field: Field) -> Field:
    """The same field where it must be there."""
    return Field(field.schema, field.read, True)


# Every write takes these: the phone's clock, to be stored beside ours.
CALLER: Fields = {
    "client_ts": whole("the caller's clock when the operator acted, in ns since the epoch"),
    "client_offset_ns": whole("how far the caller's clock is behind this service's, in ns"),
}
START: Fields = {
    "system_id": SYSTEM,
    "event_id": EVENT,
    "location": LOCATION,
    "note": NOTE,
    "ts": TIME,
    "replace": flag("end another event that is active on the system first"),
}
END: Fields = {"system_id": SYSTEM, "event_id": EVENT, "ts": TIME}
END_ALL: Fields = {"event_id": needed(EVENT), "ts": TIME}
LOCATION_SET: Fields = {"system_id": SYSTEM, "location": needed(LOCATION), "ts": TIME}
LOCATION_CLEAR: Fields = {"system_id": SYSTEM}
NOTE_WRITE: Fields = {"system_id": SYSTEM, "event_id": EVENT, "msg": needed(NOTE), "ts": TIME}
NOTE_DELETE: Fields = {
    "note_id": whole("id of the note, from GET /api/notes", least=1),
    "system_id": SYSTEM,
    "event_id": EVENT,
    "note_text": NOTE,
}
GENERATE: Fields = {"event_id": needed(EVENT), "run": RUN}

NOTES_QUERY: Fields = {
    "event_id": EVENT,
    "system_id": SYSTEM,
    "limit": whole("how many at most", least=1, most=500, otherwise=50),
}
STATUS_QUERY: Fields = {"system_id": SYSTEM}
REPORTS_QUERY: Fields = {"event_id": EVENT, "limit": whole("how many at most", least=1, most=500, otherwise=100)}
REPORT_QUERY: Fields = {"run": RUN, "version": whole("version of the report; the latest where left out", least=1)}
