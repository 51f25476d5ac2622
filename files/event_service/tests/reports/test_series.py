"""Clean-up, gaps, and sums of series."""

from __future__ import annotations

import numpy as np
import pytest

from event_service.reports import series as s

NAN, INF = float("nan"), float("inf")


def of(*samples):
    t, v = zip(*samples, strict=True)
    return s.clean(np.array(t, float), np.array(v, float))


@pytest.mark.parametrize(
    ("samples", "t", "v", "duplicates", "dropped"),
    [
        pytest.param([(2, 20), (1, 10)], [1, 2], [10, 20], 0, 0, id="out of order is sorted"),
        pytest.param([(1, 10), (1, 30), (2, 0)], [1, 2], [30, 0], 1, 0, id="of equal times the last stays"),
        pytest.param([(1, NAN), (2, 5), (3, INF)], [2], [5], 0, 2, id="what is no number is dropped"),
        pytest.param([(1, 7), (1, NAN)], [1], [7], 0, 1, id="a stale mark does not replace a value"),
        pytest.param([(1, 0), (2, 0)], [1, 2], [0, 0], 0, 0, id="zeros stay"),
    ],
)
def test_clean(samples, t, v, duplicates, dropped):
    found = of(*samples)
    assert (found.t.tolist(), found.v.tolist()) == (t, v)
    assert (found.duplicates, found.dropped) == (duplicates, dropped)


@pytest.mark.parametrize(
    ("step", "limit"),
    [
        pytest.param(0.5, 5.0, id="half a second: at least 5 s"),
        pytest.param(1.0, 10.0, id="a second: ten of them"),
        pytest.param(60.0, 600.0, id="a minute: ten of them"),
    ],
)
def test_gap_limit(step, limit):
    assert s.gap_limit(s.clean(np.arange(20) * step, np.ones(20))) == limit


def test_gaps_are_what_no_sample_covers():
    power = s.clean(np.array([1, 2, 3, 10, 11.0]), np.ones(5))
    assert s.gaps(power, 0, 12, gap=5) == [(0, 1), (3, 10), (11, 12)]
    assert s.gaps(power, 1.5, 2.5, gap=5) == []
    assert s.gaps(s.EMPTY, 0, 12, gap=5) == [(0, 12)]


def test_a_sum_exists_only_where_every_part_does():
    a = s.clean(np.arange(0, 30, 1.0), np.full(30, 100.0))
    b = s.clean(np.array([*range(0, 10), *range(25, 30)], float), np.full(15, 20.0))
    both = s.total([a, b])
    assert set(both.v) == {120.0}
    assert s.gaps(both, 0, 29, s.gap_limit(both)) == [(9, 25)]


def test_a_sum_of_parts_read_at_different_moments_follows_both():
    a = s.clean(np.arange(0, 10, 1.0), np.arange(0, 10, 1.0))
    b = s.clean(np.arange(0.5, 9.5, 1.0), np.arange(0.5, 9.5, 1.0))
    both = s.total([a, b])
    assert both.v == pytest.approx(2 * both.t)
    assert (both.t[0], both.t[-1]) == (0.5, 8.5)


@pytest.mark.parametrize("parts", [[], [s.EMPTY], [of((1, 1)), s.EMPTY]], ids=["none", "empty", "one empty"])
def test_no_sum_without_samples(parts):
    assert len(s.total(parts)) == 0
