"""When a device reads itself: about every period, never exactly."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Refresh:
    """A jittered schedule over all time; the same `key` gives the same moments.

    What a device shows at time t is what it read at `last(t)`. `phase` and `jitter` are parts of the period.
    """

    period_s: float
    key: str
    phase: float = 0.0
    jitter: float = 0.1

    def last(self, t_s: float) -> float:
        """The latest moment at or before `t_s` [s]."""
        return max(moment for moment in self._around(t_s) if moment <= t_s)

    def next(self, t_s: float) -> float:
        """The first moment after `t_s` [s]."""
        return min(moment for moment in self._around(t_s) if moment > t_s)

    def _around(self, t_s: float) -> list[float]:
        # One turn more on either side than jitter asks for: the division may round to the neighbour.
        turn = math.floor(t_s / self.period_s - self.phase)
        return [self._moment(turn + near) for near in range(-2, 3)]

    def _moment(self, turn: int) -> float:
        return (turn + self.phase + self.jitter * fraction(f"{self.key} {turn}")) * self.period_s


def fraction(name: str) -> float:
    """A number from 0 to below 1 that looks random and belongs to the name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big") / 2**32
