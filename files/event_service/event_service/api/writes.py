"""One way to write: read the body, do the work in one transaction, keep the answer under its Idempotency-Key."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from event_service.api import fields, problems
from event_service.errors import Invalid, Malformed, Refusal
from event_service.service import Service
from event_service.store import idempotency, log
from event_service.store.database import savepoint
from event_service.store.idempotency import Kept
from event_service.store.log import Call

KEY_MAX = 255
Work = Callable[[sqlite3.Connection, Call, dict], dict]


def write(service: Service, action: str, expected: fields.Fields, work: Work) -> Response:
    """Do one write and answer it. The same Idempotency-Key gets the first answer again, refusals included."""
    body = json_body()
    values = fields.read({**expected, **fields.CALLER}, body)
    call = Call(service.clock(), values.pop("client_ts"), values.pop("client_offset_ns"))
    key, fingerprint = _key(), _fingerprint(body)
    with service.store.write() as db:
        answer = _kept(db, key, fingerprint)
        if answer is None:
            answer = Kept(fingerprint, *_attempt(db, call, action, values, work))
            if key:
                idempotency.keep(db, key, answer, call.now_ns)
    service.wake()
    mimetype = "application/json" if answer.status < 400 else "application/problem+json"
    return Response(answer.body, answer.status, mimetype=mimetype)


def the_system(service: Service, values: dict) -> str:
    """The system a write is about: the one named, else this box's own."""
    system_id = values["system_id"] or service.config.system_id
    if not system_id:
        raise Malformed("system_id is missing; send it, or set SYSTEM_ID for this box", errors=[{"field": "system_id"}])
    return system_id


def json_body() -> dict:
    """The request's JSON object; an empty body is an empty object."""
    raw = request.get_data()
    if not raw.strip():
        return {}
    if not request.is_json:
        raise UnsupportedMediaType("Send JSON with the header Content-Type: application/json.")
    try:
        body = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {str(error)[:200]}") from None
    if not isinstance(body, dict):
        raise Malformed('the body is not a JSON object; send fields as {"system_id": "rig_01"}')
    return body


def _no_constant(name: str):
    raise ValueError(f"{name} is no JSON value")


def _attempt(db: sqlite3.Connection, call: Call, action: str, values: dict, work: Work) -> tuple[int, str]:
    """Status and body of the work's outcome; a refusal leaves nothing behind but its row in the log."""
    try:
        with savepoint(db):
            status, answer = 200, {"success": True, **work(db, call, values)}
    except Refusal as refusal:
        status = problems.status_of(refusal)
        answer = problems.body(status, str(refusal), **refusal.data)
        who = {name: values.get(name) for name in ("system_id", "event_id")}
        log.write(db, call, action, **who, error=str(refusal))
    return status, json.dumps(answer, ensure_ascii=False)


def _kept(db: sqlite3.Connection, key: str | None, fingerprint: bytes) -> Kept | None:
    kept = idempotency.find(db, key) if key else None
    if kept and kept.fingerprint != fingerprint:
        raise Invalid("Idempotency-Key", key, "was used for another request; make a new key for each write")
    return kept


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= KEY_MAX or not key.isascii() or not key.isprintable():
        raise Invalid("Idempotency-Key", key, f"is no key; send 1 to {KEY_MAX} printable ASCII characters")
    return key


def _fingerprint(body: dict) -> bytes:
    """What makes two requests the same: where they went and what they said."""
    return hashlib.sha256(f"{request.path}\n{json.dumps(body, sort_keys=True)}".encode()).digest()
