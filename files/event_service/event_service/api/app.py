"""The Flask application: routes of every kind on one service."""

from __future__ import annotations

from flask import Flask, Response, request

from event_service.api import events, guard, notes, paths, problems, reports, status, ui, upkeep
from event_service.service import Service

BODY_MAX = 1024 * 1024
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def create_app(service: Service) -> Flask:
    """The HTTP side of a service. It starts nothing and reads no environment."""
    app = Flask("event_service", static_folder=None, template_folder="ui")
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX
    app.json.sort_keys = False
    app.json.ensure_ascii = False
    paths.register(app)
    problems.register(app)
    guard.register(app, service.config.api_key)
    for part in (events, notes, status, reports, upkeep, ui):
        app.register_blueprint(part.blueprint(service))
    app.after_request(_secure)
    return app


def _secure(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
