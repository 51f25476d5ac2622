"""The description of this interface, OpenAPI 3.1: one row a route, fields from the table that also checks them."""

from __future__ import annotations

from dataclasses import dataclass, field

from event_service.api import fields
from event_service.api.fields import Fields

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
BOOLEAN = {"type": "boolean"}
TIME = {"type": "integer", "format": "int64", "description": "ns since the epoch"}
OBJECT = {"type": "object"}


def maybe(schema: dict) -> dict:
    return {**schema, "type": [schema["type"], "null"]}


def items(schema: dict) -> dict:
    return {"type": "array", "items": schema}


def shape(**properties: dict) -> dict:
    """An object that has at least these properties."""
    return {"type": "object", "properties": properties, "required": list(properties)}


DONE = {"success": BOOLEAN}
WHERE = {"system_id": STRING, "event_id": STRING}
REPORT_AHEAD = {"run_id": STRING, "report_url": STRING, "report_state": STRING}
LOG_ROW = shape(
    timestamp=TIME, action=STRING, event_id=maybe(STRING), location=maybe(STRING), note=maybe(STRING), success=BOOLEAN,
    error=maybe(STRING),
)  # fmt: skip
TAKING_PART = {"system_id": STRING, "location": maybe(STRING), "started_at": TIME}
PENDING = shape(event_id=STRING, run_id=STRING, state=STRING, report_url=STRING)
READINGS = {word: maybe(NUMBER) for word in ("soc", "voltage", "pin", "pout", "mode", "vln", "i_avg", "p_total")}
LIVE = shape(system_id=STRING, type=STRING, ts={**INTEGER, "description": "ms since the epoch"}, stale=BOOLEAN)
LIVE["properties"] |= READINGS
STATUS_ONE = shape(
    system_id=STRING,
    active_event={"type": ["object", "null"], "properties": {"event_id": STRING, "location": maybe(STRING)}},
    recent_logs=items(LOG_ROW),
    images=items(OBJECT),
)
STATUS_ALL = shape(
    active_events=items(shape(event_id=STRING, run_id=STRING, **TAKING_PART)),
    events_grouped={"type": "object", "additionalProperties": items(shape(**TAKING_PART))},
    recent_logs=items(LOG_ROW),
)
LISTED_REPORT = shape(
    event_id=STRING, generated_at=TIME, duration_seconds=NUMBER, loggers=items(STRING), report_dir=STRING,
    run_id=STRING, version=INTEGER, state=STRING, report_url=STRING,
)  # fmt: skip


@dataclass(frozen=True)
class Route:
    """A method and path with what it takes, what it gives and the errors it may answer."""

    method: str
    path: str
    summary: str
    gives: dict | str
    takes: Fields | None = None
    query: Fields = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    later: bool = False

    @property
    def all_errors(self) -> tuple[int, ...]:
        writing = (400, 401, 403, 413, 415, 422, 429, 503, 507) if self.method == "post" else (422, 503)
        return tuple(sorted({*self.errors, *writing}))


def write(path: str, summary: str, takes: Fields, gives: dict, *errors: int, later: bool = False) -> Route:
    return Route("post", path, summary, shape(**DONE, **gives), takes, errors=errors, later=later)


def read(path: str, summary: str, gives: dict | str, query: Fields | None = None, *errors: int, later=False) -> Route:
    return Route("get", path, summary, gives, query=query or {}, errors=errors, later=later)


ROUTES = (
    write(
        "/api/event/start", "Start an event on a system; what already runs is answered with its first ts.",
        fields.START,
        {**WHERE, "temp_event_id": maybe(STRING), "location": maybe(STRING), "ts": TIME, "run_id": STRING}, 409,
    ),
    write("/api/event/end", "End the event on a system.", fields.END, {**WHERE, "ts": TIME, **REPORT_AHEAD}, 409),
    write(
        "/api/event/end_all", "End an event on every system.", fields.END_ALL,
        {"event_id": STRING, "loggers_ended": items(STRING), "ts": TIME, "report_generating": BOOLEAN, **REPORT_AHEAD},
    ),
    write(
        "/api/location/set", "Say where a system is, in its event and for its next one.", fields.LOCATION_SET,
        {"system_id": STRING, "location": STRING, "ts": TIME},
    ),
    write(
        "/api/location/clear", "Forget where a system is and end its part of the event.", fields.LOCATION_CLEAR,
        {"system_id": STRING},
    ),
    write("/api/note", "Write a note.", fields.NOTE_WRITE, {**WHERE, "msg": STRING, "ts": TIME}),
    read(
        "/api/notes", "Notes, newest first.",
        shape(notes=items(shape(id=INTEGER, timestamp=TIME, **WHERE, note=STRING))), fields.NOTES_QUERY,
    ),
    write(
        "/api/audit/delete", "Take a note back; it stays in the log.", fields.NOTE_DELETE, {"deleted_count": INTEGER},
        404,
    ),
    read("/api/status", "Active events and the last writes.", {"anyOf": [STATUS_ONE, STATUS_ALL]}, fields.STATUS_QUERY),
    read("/api/systems", "Known systems.", shape(systems=items(STRING), updated_at=TIME, count=INTEGER)),
    read(
        "/api/realtime", "What the systems show now.",
        shape(ts={**INTEGER, "description": "ms since the epoch"}, systems=items(LIVE), problem=maybe(STRING)),
    ),
    read(
        "/api/summary", "One system in short.",
        shape(
            system_id=STRING, soc=maybe(NUMBER), pin=maybe(NUMBER), pout=maybe(NUMBER), alerts=items(STRING),
            alerts_count=INTEGER,
        ),
        fields.STATUS_QUERY, 400,
    ),
    write(
        "/api/reports/generate", "Make the report of an event that has ended, and wait for it.", fields.GENERATE,
        {
            "event_id": STRING, "report_path": STRING, "json_file": STRING, "html_file": STRING,
            "loggers_processed": items(STRING), "run_id": STRING, "version": INTEGER, "state": STRING,
            "report_url": STRING,
        },
        404, 409, later=True,
    ),
    read(
        "/api/reports", "The latest report of each run, and what is still to be made.",
        shape(reports=items(LISTED_REPORT), pending=items(PENDING)), fields.REPORTS_QUERY,
    ),
    read(
        "/api/reports/{event_id}", "A report as data.",
        shape(schema=STRING, event=OBJECT, systems=items(OBJECT), notes=items(OBJECT)), fields.REPORT_QUERY, 404,
        later=True,
    ),
    read("/api/reports/{event_id}/html", "A report as a page.", "text/html", fields.REPORT_QUERY, 404, later=True),
    read("/api/openapi.json", "This description.", shape(openapi=STRING, paths=OBJECT)),
    read(
        "/health", "Whether the service can keep what it is told.",
        shape(status={"enum": ["ok", "degraded", "failing"]}, vm_url=STRING, version=STRING, git_sha=STRING),
    ),
    read("/metrics", "Metrics for Prometheus.", "text/plain"),
    read("/", "The operator page.", "text/html"),
)  # fmt: skip


def document(version: str) -> dict:
    """The whole OpenAPI document."""
    paths: dict[str, dict] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OVR event service",
            "version": version,
            "description": "Events, notes and reports of a rig. Times are ns since the epoch unless said.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": shape(title=STRING, status=INTEGER, detail=STRING, error=STRING)},
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
    }


def _operation(route: Route) -> dict:
    answers = {"200": _content(route.gives, "Done" if route.takes is not None else "Found")}
    if route.later:
        answers["202"] = {"description": "Not there yet: the state says why"}
    answers |= {str(status): _problem() for status in route.all_errors}
    operation = {"summary": route.summary, "parameters": _parameters(route), "responses": answers}
    if route.takes is not None:
        body = _body({**route.takes, **fields.CALLER})
        operation |= {"requestBody": {"content": {"application/json": {"schema": body}}}, "security": [{"key": []}, {}]}
    return operation


def _parameters(route: Route) -> list[dict]:
    found = [
        {"name": name, "in": "query", "required": one.needed, "schema": one.schema} for name, one in route.query.items()
    ]
    if "{event_id}" in route.path:
        found.insert(0, {"name": "event_id", "in": "path", "required": True, "schema": STRING})
    if route.method == "post":
        found.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}})
    return found


def _body(taken: Fields) -> dict:
    needed = [name for name, one in taken.items() if one.needed]
    body = {"type": "object", "properties": {name: one.schema for name, one in taken.items()}}
    return body | ({"required": needed} if needed else {})


def _content(gives: dict | str, description: str) -> dict:
    if isinstance(gives, str):
        return {"description": description, "content": {gives: {"schema": STRING}}}
    return {"description": description, "content": {"application/json": {"schema": gives}}}


def _problem() -> dict:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "A problem", "content": {"application/problem+json": {"schema": schema}}}
