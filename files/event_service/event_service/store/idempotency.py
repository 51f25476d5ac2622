"""The first answer to each Idempotency-Key, stored in the transaction of its effect."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """An answer that was given: its status, its JSON, and the digest of the request it answered."""

    fingerprint: bytes
    status: int
    body: str


def find(db: sqlite3.Connection, key: str) -> Kept | None:
    row = db.execute("SELECT fingerprint, status, body FROM idempotency WHERE key = ?", (key,)).fetchone()
    return row and Kept(**dict(row))


def keep(db: sqlite3.Connection, key: str, kept: Kept, now_ns: int) -> None:
    db.execute(
        "INSERT INTO idempotency (key, fingerprint, status, body, created_ns) VALUES (?, ?, ?, ?, ?)",
        (key, kept.fingerprint, kept.status, kept.body, now_ns),
    )
