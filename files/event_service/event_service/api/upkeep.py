"""For those who run the box: health, metrics, and the description of this interface."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from event_service.api import metrics, openapi
from event_service.clock import SECOND
from event_service.service import Service
from event_service.store import StoreError, outbox


def blueprint(service: Service) -> Blueprint:
    upkeep = Blueprint("upkeep", __name__)

    @upkeep.get("/health")
    def health() -> tuple[Response, int]:
        found = _health(service)
        return jsonify(found), 503 if found["status"] == "failing" else 200

    @upkeep.get("/metrics")
    def show_metrics() -> Response:
        return Response(metrics.page(service), mimetype="text/plain; version=0.0.4")

    @upkeep.get("/api/openapi.json")
    def describe() -> dict:
        return openapi.document(service.config.build.version)

    return upkeep


def _health(service: Service) -> dict:
    """failing: writes cannot be kept, or a worker has died. degraded: VictoriaMetrics is away, markers wait."""
    problems = [f"the worker {name} has ended; restart the service" for name in service.dead()]
    waiting = None
    try:
        service.store.check_writable()
        with service.store.read() as db:
            waiting = outbox.totals(db)
    except StoreError as error:
        problems.append(str(error))
    away = service.outbox.trouble
    now_ns = service.clock()
    oldest_ns = waiting.oldest_queued_ns if waiting else None
    return {
        "status": "failing" if problems else "degraded" if away else "ok",
        "vm_url": service.config.vm_write_url,
        "version": service.config.build.version,
        "git_sha": service.config.build.git_sha,
        "node_id": service.config.node_id,
        "deployment_id": service.config.deployment_id,
        "problems": problems + ([f"VictoriaMetrics does not answer: {away}"] if away else []),
        "vm_last_answer": service.outbox.last_answer_ns,
        "outbox_waiting": waiting and waiting.pending + waiting.unread,
        "outbox_oldest_s": oldest_ns and max(0, now_ns - oldest_ns) / SECOND,
    }
