"""What is missing or strange in the samples is found."""

from __future__ import annotations

import numpy as np
import pytest

from event_service.reports.quality import quality
from event_service.reports.series import EMPTY, clean

T = np.arange(-10, 131, 0.5)


def of(t, v=None):
    return clean(t, np.arange(len(t), dtype=float) if v is None else v)


def test_all_there():
    found = quality(of(T), 0, 120)
    assert (found.expected, found.received, found.coverage, found.gaps) == (240, 241, 1.0, ())


def test_a_gap_is_named_and_counted():
    found = quality(of(T[(T <= 30) | (T >= 42)]), 0, 120)
    assert found.gaps == ((30.0, 42.0),)
    assert (found.missing_s, found.coverage) == (12.0, pytest.approx(0.9))
    assert found.expected - found.received == 22


def test_a_source_that_dies_leaves_the_rest_missing():
    found = quality(of(T[T <= 60]), 0, 120)
    assert found.gaps == ((60.0, 120.0),)


def test_no_samples_is_all_gap():
    found = quality(EMPTY, 0, 120)
    assert (found.received, found.coverage, found.gaps) == (0, 0.0, ((0, 120),))


def test_a_clock_set_back_crowds_samples():
    again = np.arange(40.25, 60, 0.5)
    found = quality(of(np.concatenate((T, again))), 0, 120)
    assert found.overlaps == ((40.0, 50.0), (50.0, 60.0))


def test_a_regular_source_shows_no_overlap():
    rng = np.random.default_rng(1)
    assert quality(of(T + rng.uniform(0, 0.2, len(T))), 0, 120).overlaps == ()


def test_a_frozen_value_is_found_unless_idle():
    values = np.where((T > 20) & (T < 90), 2000.0, T)
    assert quality(of(T, values), 0, 120, idle_below=50).unchanged_s == pytest.approx(69.0)
    assert quality(of(T, np.zeros(len(T))), 0, 120, idle_below=50).unchanged_s == 0


def test_equal_values_across_a_gap_are_not_one_run():
    t = np.concatenate((np.arange(0, 20, 0.5), np.arange(50, 60, 0.5)))
    assert quality(of(t, np.full(len(t), 900.0)), 0, 60).unchanged_s == 19.5


def test_an_event_of_no_length_has_no_coverage():
    assert quality(of(T), 5, 5).coverage == 0.0
