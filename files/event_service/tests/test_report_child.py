"""The process that makes one report: what comes back from it, and when nothing does."""

from __future__ import annotations

import pytest

from event_service import report_child, report_request
from event_service.reports import Note, ReportError, ReportRequest, SystemSpan

pytestmark = pytest.mark.real

NOW = 1_795_501_800_123_456_789
REQUEST = ReportRequest(
    event_id="é \u2028 </script>",
    run_id="20261124T063000Z-000000",
    version=2,
    start_ns=NOW - 60 * 10**9,
    end_ns=NOW,
    timezone="Europe/Berlin",
    created_ns=NOW,
    systems=(SystemSpan("rig_01", None, NOW - 60 * 10**9, NOW), SystemSpan("m", "yard", NOW - 5, NOW)),
    notes=(Note(NOW - 1, "rig_01", "é", "two\nlines"),),
)


def make(tmp_path, url, **more):
    return report_child.make(REQUEST, query_url=url, out=tmp_path / "out", now_ns=NOW + 10**12, versions={}, **more)


def test_a_request_is_the_same_on_the_other_side():
    assert report_request.decoded(report_request.encoded(REQUEST)) == REQUEST


def test_a_report_is_made_in_the_other_process(tmp_path, shared_victoria_metrics):
    made = make(tmp_path, shared_victoria_metrics.url)

    assert made.folder == tmp_path / "out"
    assert sorted(path.name for path in made.folder.iterdir()) == ["data.json", "report.html"]
    assert [system["system_id"] for system in made.summary["systems"]] == ["rig_01", "m"]


def test_why_it_could_not_be_made_comes_back_as_a_sentence(tmp_path):
    with pytest.raises(ReportError, match=r"VictoriaMetrics at .* does not answer"):
        make(tmp_path, "http://127.0.0.1:9")


def test_one_that_takes_too_long_is_ended(tmp_path):
    with pytest.raises(ReportError, match="longer than 0 s"):
        make(tmp_path, "http://127.0.0.1:9", timeout_s=0.01)


def test_one_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(report_child.sys, "executable", "/bin/false")

    with pytest.raises(ReportError, match="failed"):
        make(tmp_path, "http://127.0.0.1:9")
