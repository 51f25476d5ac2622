"""Which times a caller may give."""

from __future__ import annotations

import pytest

from event_service.clock import DAY, MINUTE, compact_utc, moment, utc
from event_service.errors import Invalid

NOW = 1_795_501_800_123_456_789


@pytest.mark.parametrize("ts", [NOW, NOW + 5 * MINUTE, NOW - 30 * DAY], ids=["now", "5 min ahead", "30 days back"])
def test_times_within_reach_are_kept_to_the_ns(ts):
    assert moment(ts, now_ns=NOW) == ts


def test_no_time_is_now():
    assert moment(None, now_ns=NOW) == NOW


@pytest.mark.parametrize(
    ("ts", "says"),
    [
        pytest.param(NOW + 5 * MINUTE + 1, "more than 5 minutes ahead of 2026-11-24T06:30:00.123Z", id="ahead"),
        pytest.param(NOW - 30 * DAY - 1, "more than 30 days back; data is kept for 30 days", id="too old"),
        pytest.param(NOW // 1_000_000_000, "it looks like s: ts is ns", id="seconds"),
        pytest.param(NOW // 1_000_000, "it looks like ms: ts is ns", id="milliseconds"),
        pytest.param(2**63 - 1, "ahead", id="the year 2262"),
        pytest.param(0, "30 days back", id="the epoch"),
    ],
)
def test_times_out_of_reach_are_refused_with_the_reason(ts, says):
    with pytest.raises(Invalid, match=says):
        moment(ts, now_ns=NOW)


def test_times_are_written_in_utc():
    assert utc(NOW) == "2026-11-24T06:30:00.123Z"
    assert compact_utc(NOW) == "20261124T063000Z"
