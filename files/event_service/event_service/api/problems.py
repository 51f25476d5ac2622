"""Errors as RFC 9457 problem JSON that also carries `error`, the field of old clients."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from event_service.errors import Conflict, Invalid, Malformed, NotFound, Refusal
from event_service.store import StoreError

log = logging.getLogger("api")

STATUS = {Malformed: 400, NotFound: 404, Conflict: 409, Invalid: 422}
RETRY_AFTER_S = {429: "60", 503: "5"}


def register(app: Flask) -> None:
    """Answer every error of the app as a problem."""
    app.register_error_handler(Refusal, lambda error: respond(status_of(error), str(error), **error.data))
    app.register_error_handler(StoreError, lambda error: respond(507 if error.full else 503, str(error)))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: Refusal) -> int:
    return STATUS[type(error)]


def body(status: int, detail: str, **data) -> dict:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "error": detail,
        "success": False,
        **data,
    }


def respond(status: int, detail: str, **data) -> Response:
    text = json.dumps(body(status, detail, **data))
    response = Response(text, status, mimetype="application/problem+json")
    if status in RETRY_AFTER_S:
        response.headers["Retry-After"] = RETRY_AFTER_S[status]
    return response


def _http(error: HTTPException) -> Response:
    response = respond(error.code or 500, error.description or "")
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.error("Unexpected error in %s %s", request.method, ascii(request.path), exc_info=error)
    return respond(500, "Something unexpected went wrong; the service's log says what. Nothing was changed.")
