"""Who may write: the key, where one is set, and no page of another site."""

from __future__ import annotations

import hmac
import time
from collections import deque

from flask import Flask, Response, request

from event_service.api import problems

READING = ("GET", "HEAD", "OPTIONS")
FAILURES_MAX = 10
FAILURES_WINDOW_S = 60.0


def register(app: Flask, api_key: bytes | None) -> None:
    """Check every write of the app before it is looked at."""
    failures = Failures()

    @app.before_request
    def check() -> Response | None:
        if request.method in READING:
            return None
        if _foreign():
            return problems.respond(403, "This write comes from a page of another site; use this service's own page.")
        if api_key is None:
            return None
        return _check_key(api_key, failures)


class Failures:
    """Wrong keys of the last minute by address; bounded in both."""

    def __init__(self) -> None:
        self._times: deque[tuple[float, str]] = deque(maxlen=1000)

    def add(self, who: str) -> None:
        self._times.append((time.monotonic(), who))

    def too_many(self, who: str) -> bool:
        since = time.monotonic() - FAILURES_WINDOW_S
        return sum(1 for at, other in list(self._times) if other == who and at > since) >= FAILURES_MAX


def _check_key(api_key: bytes, failures: Failures) -> Response | None:
    who = request.remote_addr or ""
    if failures.too_many(who):
        return problems.respond(429, "Too many wrong keys; wait a minute, then send the right X-API-Key.")
    given = request.headers.get("X-API-Key")
    # A header arrives as Latin-1 text; it is compared as the bytes that were sent, as str would fail on é.
    if given is not None and hmac.compare_digest(given.encode("latin-1", "replace"), api_key):
        return None
    if given is not None:
        failures.add(who)
    return problems.respond(401, "This write needs the key of this box: send it in the header X-API-Key.")


def _foreign() -> bool:
    """Whether a browser says that the write was made by a page of another origin. Programs say nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    host = origin.partition("://")[2]
    return host not in (request.host, request.headers.get("X-Forwarded-Host"))
