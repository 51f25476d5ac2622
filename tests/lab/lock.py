"""Locks between runs on one machine: held by a process, freed by its end."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import cache


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the named lock; waits for another run that holds it."""
    folder = cache.root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
