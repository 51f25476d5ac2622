"""Ids in paths: any text, percent-encoded, slashes included.

A WSGI server decodes the path before it is routed, so `a%2Fb` would be two segments. Here the raw path is taken
instead, its `%2F` and `%25` stay encoded through routing, and the converter `id` decodes them.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from flask import Flask
from werkzeug.routing import BaseConverter


class IdConverter(BaseConverter):
    """One segment of a path that holds an id."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return unquote(value, errors="surrogateescape")

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


def register(app: Flask) -> None:
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False
    app.wsgi_app = _Raw(app.wsgi_app)


class _Raw:
    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        raw = environ.get("REQUEST_URI") or environ.get("RAW_URI")
        if raw:
            path = urlsplit(raw).path if raw.startswith("http") else raw.partition("?")[0]
            kept = re.sub(r"%(2F|25)", r"%25\1", path, flags=re.IGNORECASE)
            environ["PATH_INFO"] = unquote_to_bytes(kept).decode("latin-1")
        return self.application(environ, start_response)
