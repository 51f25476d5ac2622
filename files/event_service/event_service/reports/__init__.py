"""Reports: fetch every raw sample of a run, compute, render."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from event_service.reports import document, finality, gather, page
from event_service.reports.analysis import analyse
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
    state = finality.judge({span: gather.missing(raws, span) for span, raws in found.items()}, now_ns)
    kept = {span: gather.used(raws, span) for span, raws in found.items()}
    systems = [analyse(span, *gather.series_of(raws, span.start_ns)) for span, raws in kept.items()]
    digest = finality.digest(raw for raws in kept.values() for raw in raws)
    whole = document.build(request, [one.document for one in systems], state, digest, now_ns, versions)
    write_folder(out, {"data.json": document.encoded(whole), "report.html": page.render(whole, systems).encode()})
    return Made(state.state, digest, out, document.summary(whole))


def _check(request: ReportRequest) -> None:
    if not request.systems:
        raise ReportError(f"Event {request.event_id}: no system took part, so there is nothing to report.")
    for span in request.systems:
        if span.end_ns < span.start_ns:
            raise ReportError(
                f"Event {request.event_id}: {span.system_id} ends {span.end_ns} before it starts {span.start_ns}. "
                "Correct its times."
            )
