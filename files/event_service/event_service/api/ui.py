"""The operator page and its files, served from memory: they do not change while the service runs."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort, request

from event_service.service import Service

FOLDER = Path(__file__).parent.parent / "ui"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
TEMPLATES = ("report_state.html",)


def blueprint(_service: Service) -> Blueprint:
    ui = Blueprint("ui", __name__)
    files = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.name not in TEMPLATES}

    @ui.get("/")
    def page() -> Response:
        return _file("index.html", files["index.html"])

    @ui.get("/ui/<name>")
    def file(name: str) -> Response:
        if name not in files:
            abort(404, "There is no such page.")
        return _file(name, files[name])

    return ui


def _file(name: str, content: bytes) -> Response:
    response = Response(content, mimetype=TYPES[Path(name).suffix])
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)
