"""When a device reads itself: about every period, never exactly."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Refresh:
    """A jittered schedule over all time; the same `key` gives the same moments.

    `phase` and `jitter` are parts of the period and below 1 together. What a device shows at time t is what it read at
    `last(t)`.
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
        # One turn more on either side than phase and jitter ask for: dividing may round to the neighbour.
        turn = math.floor(t_s / self.period_s)
        return [self._moment(turn + near) for near in range(-2, 3)]

    def _moment(self, turn: int) -> float:
        digest = hashlib.blake2b(f"{self.key} {turn}".encode(), digest_size=4).digest()
        late = self.jitter * int.from_bytes(digest, "big") / 2**32
        return (turn + self.phase + late) * self.period_s
