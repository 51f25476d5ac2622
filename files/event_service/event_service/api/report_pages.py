"""Reports as pages: the report itself with links to its other versions and runs, or what it is waiting for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flask import Response, render_template, request
from markupsafe import Markup, escape

from event_service.api.report_choice import Chosen
from event_service.clock import SECOND

LINKS_MAX = 10
# The report is a document of its own: no script runs in it, and it is no page of this origin.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups"
)


def show_report(content: bytes, found: Chosen, timezone: str) -> Response:
    """The report's page, with links to what else there is."""
    links = _links(found, ZoneInfo(timezone))
    bar = str(Markup('<nav class="notice small">{}</nav>').format(links)).encode() if links else b""
    head, main, rest = content.partition(b"<main>")
    response = Response(head + main + bar + rest, mimetype="text/html")
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)


def show_state(found: Chosen) -> tuple[str, int]:
    """The page of a report that is not there yet; it looks again by itself."""
    status = 202 if found.state in ("waiting", "queued", "running") else 404
    page = render_template(
        "report_state.html",
        event_id=found.run["event_id"],
        state=found.state,
        problem=found.problem,
        again=status == 202,
    )
    return page, status


def show_missing(problem: str) -> tuple[str, int]:
    return render_template("report_state.html", event_id=None, state="missing", problem=problem, again=False), 404


def _links(found: Chosen, zone: ZoneInfo) -> Markup:
    return Markup(" · ").join(_groups(found, zone))


def _groups(found: Chosen, zone: ZoneInfo) -> Iterator[Markup]:
    shown = found.version
    if shown.version < found.versions[0].version:
        yield Markup("<strong>A newer version of this report exists.</strong>")
    if len(found.versions) > 1:
        others = [_link(f"version {one.version}", found, version=one.version) for one in found.versions if one != shown]
        yield Markup("Also: {}").format(Markup(", ").join(others[:LINKS_MAX]))
    others = [run for run in found.runs if run["run_id"] != found.run["run_id"]]
    if others:
        links = [_link(_when(run["start_ns"], zone), found, run_id=run["run_id"]) for run in others[:LINKS_MAX]]
        yield Markup("Other runs of this event: {}").format(Markup(", ").join(links))


def _link(text: str, found: Chosen, *, run_id: str | None = None, version: int | None = None) -> Markup:
    address = f"?run={quote(run_id or found.run['run_id'])}" + (f"&version={version}" if version else "")
    return Markup('<a href="{}">{}</a>').format(address, escape(text))


def _when(ts_ns: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(ts_ns // SECOND, zone):%-d %b %Y %H:%M}"
