"""Markers: their lines, and that samples of one series never share a millisecond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_service.markers import MS, Marker, following_ns, opening_ns


def test_the_line_of_a_marker_is_the_one_that_dashboards_know():
    marker = Marker("startup", "rig_01", "warehouse", True, 1_795_501_800_123_456_789)

    assert marker.line == "ovr_event,event_id=startup,system_id=rig_01,location=warehouse active=1i 1795501800123456789"


def test_no_location_is_a_dash():
    assert "location=- active=0i" in Marker("startup", "rig_01", None, False, 1).line


@pytest.mark.parametrize(
    ("ts_ns", "last_ms", "expected_ns"),
    [
        pytest.param(5_000_001, 4, 5_000_001, id="later: as it was"),
        pytest.param(5_000_001, 5, 6_000_000, id="same ms: 1 ms on"),
        pytest.param(5_000_001, 9, 10_000_000, id="before the last sample: after it"),
    ],
)
def test_a_sample_follows_the_last_one(ts_ns, last_ms, expected_ns):
    assert following_ns(ts_ns, last_ms) == expected_ns


@pytest.mark.parametrize(
    ("ts_ms", "taken", "expected_ms"),
    [
        pytest.param(5, [], 5, id="first"),
        pytest.param(5, [(1, 4)], 5, id="after"),
        pytest.param(5, [(6, 9)], 5, id="before a later use"),
        pytest.param(5, [(1, 5)], 6, id="in the ms of the last end"),
        pytest.param(5, [(6, 9), (1, 5)], 10, id="pushed over two uses"),
    ],
)
def test_a_series_opens_where_it_has_no_samples(ts_ms, taken, expected_ms):
    assert opening_ns(ts_ms * MS, taken) == expected_ms * MS


@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(0, 3_000_000)), min_size=1, max_size=8))
def test_uses_of_one_series_never_share_a_millisecond(uses):
    samples, taken, now = [], [], 1_000 * MS
    for wait, length in uses:
        opened = opening_ns(now + wait, taken)
        closed = following_ns(now + wait + length, opened // MS)
        samples += [opened // MS, closed // MS]
        taken.append((opened // MS, closed // MS))
        now += wait + length

    assert samples == sorted(set(samples))
