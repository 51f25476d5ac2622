"""The page at /metrics, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable

from event_service.clock import SECOND
from event_service.service import Service
from event_service.store import outbox, reports, runs

Sample = tuple[dict[str, str], float]


def page(service: Service) -> str:
    """All metrics of the service. What cannot be known now is not on it."""
    with service.store.read() as db:
        waiting = outbox.totals(db)
        jobs = reports.job_counts(db)
        active = len(runs.active(db))
    build, sent, made = service.config.build, service.outbox.counts, service.jobs.counts
    oldest_ns = waiting.oldest_queued_ns
    oldest_s = max(0, service.clock() - oldest_ns) / SECOND if oldest_ns else 0
    lines = [
        *_metric(
            "ovr_build_info", "gauge", "What is running.", [({"version": build.version, "git_sha": build.git_sha}, 1)]
        ),
        *_number("ovr_events_active_parts", "gauge", "Systems on which an event is active.", active),
        *_number("ovr_outbox_pending", "gauge", "Markers not accepted by VictoriaMetrics yet.", waiting.pending),
        *_number("ovr_outbox_unread", "gauge", "Markers accepted and not read back yet.", waiting.unread),
        *_number(
            "ovr_outbox_unsettled", "gauge", "Markers read back that may not be on its disk yet.", waiting.unsettled
        ),
        *_number("ovr_outbox_refused", "gauge", "Markers that VictoriaMetrics will never take.", waiting.refused),
        *_number("ovr_outbox_oldest_seconds", "gauge", "Age of the oldest marker not read back, 0 if none.", oldest_s),
        *_number("ovr_outbox_delivered_total", "counter", "Markers read back since the start.", sent.delivered),
        *_number("ovr_outbox_resent_total", "counter", "Markers sent again since the start.", sent.resent),
        *_number("ovr_outbox_failures_total", "counter", "Rounds that VictoriaMetrics did not answer.", sent.failures),
        *_number("ovr_outbox_heartbeats_total", "counter", "Heartbeats of active markers sent.", sent.heartbeats),
        *_metric("ovr_report_jobs", "gauge", "Reports by the state of their job.", _by_state(jobs)),
        *_number("ovr_report_made_total", "counter", "Report jobs done since the start.", made.made),
        *_number("ovr_report_failures_total", "counter", "Attempts at a report that failed.", made.failed),
        *_number("ovr_report_last_seconds", "gauge", "How long the last report job took.", round(made.seconds, 3)),
    ]
    return "\n".join(lines) + "\n"


def _by_state(jobs: dict[str, int]) -> list[Sample]:
    return [({"state": state}, count) for state, count in jobs.items()]


def _number(name: str, kind: str, text: str, value: float) -> list[str]:
    return _metric(name, kind, text, [({}, value)])


def _metric(name: str, kind: str, text: str, samples: Iterable[Sample]) -> list[str]:
    head = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    return head + [f"{name}{_labels(labels)} {value}" for labels, value in samples]


def _labels(labels: dict[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
