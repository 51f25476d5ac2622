"""One run at a time, whoever started it: playbook, script or timer."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import AcuvimError

_POLL_S = 0.1


@contextmanager
def locked(path: str, wait_s: float) -> Iterator[Callable[[str], None]]:
    """Hold the lock file; wait up to `wait_s` for another holder, then AcuvimError names it and how far it is.

    Gives a function that notes in the file how far this run is. The kernel lets go of the lock when its holder
    dies, so a file that stays behind means nothing.
    """
    with open(path, "a+", encoding="utf-8") as file:
        _acquire(file, path, wait_s)

        def note(progress: str) -> None:
            file.truncate(0)
            file.write(f"process {os.getpid()} ({sys.argv[0] or 'python'}){progress}\n")
            file.flush()

        note("")
        yield note


def _acquire(file, path: str, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.seek(0)
                holder = file.read().strip() or "another run"
                raise AcuvimError(
                    f"{path} is held by {holder}; wait for it to end and run again (waited {wait_s:.0f} s)"
                ) from None
        time.sleep(_POLL_S)
