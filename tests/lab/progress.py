"""Progress of long jobs: what runs, how long it took, what is still to come."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

STARTED = time.monotonic()


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print a line when a step begins and one with its time when it ends."""
    began = time.monotonic()
    say(f"> {what}")
    try:
        yield
    except BaseException:
        say(f"x {what} failed after {time.monotonic() - began:.1f} s")
        raise
    say(f"ok {what}: {time.monotonic() - began:.1f} s")


class Plan:
    """A list of named steps, printed with their number and what is still to come."""

    def __init__(self, names: Sequence[str]):
        self.names = list(names)
        self.done = 0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run the next step of the plan."""
        name = self.names[self.done]
        later = ", ".join(self.names[self.done + 1 :]) or "nothing"
        say(f"[{self.done + 1}/{len(self.names)}] {name}   (then: {later})")
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began
        self.done += 1
        say(f"[{self.done}/{len(self.names)}] {name}: {self.seconds[name]:.1f} s")


def say(text: str) -> None:
    """Print one line with the time since the start, at once."""
    print(f"{time.monotonic() - STARTED:7.1f}s {text}", file=sys.stderr, flush=True)
