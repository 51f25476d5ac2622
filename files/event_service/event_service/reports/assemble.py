"""A whole report from the samples of its systems: the document for programs and the page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from event_service.reports import document, finality, gather, page
from event_service.reports.analysis import analyse
from event_service.reports.fetch import Raw
from event_service.reports.model import ReportRequest, SystemSpan


def assemble(
    request: ReportRequest,
    found: Mapping[SystemSpan, Sequence[Raw]],
    now_ns: int,
    versions: Mapping[str, str],
) -> tuple[dict, str]:
    """data.json as a dict, and the HTML of the page. The same samples at the same `now_ns` give the same."""
    state = finality.judge({span: gather.missing(raws, span) for span, raws in found.items()}, now_ns)
    kept = {span: gather.used(raws, span) for span, raws in found.items()}
    systems = [analyse(span, *gather.series_of(raws, span.start_ns)) for span, raws in kept.items()]
    digest = finality.digest(raw for raws in kept.values() for raw in raws)
    whole = document.build(request, [one.document for one in systems], state, digest, now_ns, versions)
    return whole, page.render(whole, systems)
