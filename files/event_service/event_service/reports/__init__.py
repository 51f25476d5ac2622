"""Reports: fetch every raw sample of a run, compute, render."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from event_service.reports import document, gather
from event_service.reports.assemble import assemble
from event_service.reports.folder import write_folder
from event_service.reports.model import Image, Made, Note, ReportError, ReportRequest, SystemSpan

__all__ = ["Image", "Made", "Note", "ReportError", "ReportRequest", "SystemSpan", "make"]

PATIENCE_S = 20.0


def make(
    request: ReportRequest,
    *,
    query_url: str,
    out: Path,
    now_ns: int,
    versions: Mapping[str, str],
    patience_s: float = PATIENCE_S,
) -> Made:
    """Write data.json and report.html of one run into the new folder `out`.

    Waits up to `patience_s` for samples that are on their way, if the event has only just ended at
    `now_ns`. "provisional" says that some had not come; the report says which. Raises ReportError.
    """
    _check(request)
    found = gather.samples(request, query_url, now_ns, patience_s)
    whole, html = assemble(request, found, now_ns, versions)
    write_folder(out, {"data.json": document.encoded(whole), "report.html": html.encode()})
    return Made(whole["state"], whole["digest"], out, document.summary(whole))


def _check(request: ReportRequest) -> None:
    if not request.systems:
        raise ReportError(f"Event {request.event_id}: no system took part, so there is nothing to report.")
    for span in request.systems:
        if span.end_ns < span.start_ns:
            raise ReportError(
                f"Event {request.event_id}: {span.system_id} ends {span.end_ns} before it starts {span.start_ns}. "
                "Correct its times."
            )
