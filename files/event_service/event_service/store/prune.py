"""What is forgotten, so that the file stays bounded: bookkeeping whose purpose has passed, never an operator's word."""

from __future__ import annotations

import sqlite3

from event_service.clock import DAY

# Kept at least 30 days: a phone may carry an unsent write that long.
IDEMPOTENCY_NS = 35 * DAY
DELIVERED_NS = 7 * DAY
REFUSED_WRITES_NS = 90 * DAY


def prune(db: sqlite3.Connection, now_ns: int) -> None:
    db.execute("DELETE FROM idempotency WHERE created_ns < ?", (now_ns - IDEMPOTENCY_NS,))
    db.execute("DELETE FROM outbox WHERE settled_ns < ?", (now_ns - DELIVERED_NS,))
    db.execute("DELETE FROM audit_log WHERE NOT success AND recorded_ns < ?", (now_ns - REFUSED_WRITES_NS,))
    db.execute("DELETE FROM job WHERE state = 'done' AND finished_ns < ?", (now_ns - DELIVERED_NS,))
