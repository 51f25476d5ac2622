"""One row of build/bench.json: a figure, its reference, their ratio and the goal for that ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

REPEATS = 5


@dataclass(frozen=True)
class Row:
    """A measured figure; `ratio` is value over reference value. `goal` bounds the ratio; in P3 the value."""

    id: str
    what: str
    value: float
    value_min: float
    value_max: float
    unit: str
    reference: str
    reference_value: float
    ratio: float
    goal: float
    met: bool

    def as_dict(self) -> dict:
        return asdict(self)


def compare(
    row_id: str, what: str, run: Callable[[], object], reference: str, run_reference: Callable[[], object], goal: float
) -> Row:
    """Time both, alternating, five times each, and return the row of their medians [ms]."""
    values, references = [], []
    for _ in range(REPEATS):
        references.append(_milliseconds(run_reference))
        values.append(_milliseconds(run))
    ratio = statistics.median(values) / statistics.median(references)
    return Row(
        row_id, what, _round(statistics.median(values)), _round(min(values)), _round(max(values)), "ms",
        reference, _round(statistics.median(references)), _round(ratio), goal, ratio <= goal,
    )  # fmt: skip


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) * 1000


def _round(value: float) -> float:
    return float(f"{value:.4g}")
