"""What the systems show now, from the results of queries."""

from __future__ import annotations

import threading

import pytest

from event_service.live import Live, Reading, systems
from event_service.victoria import VictoriaAway


def row(name, system_id, value, **labels):
    return {"metric": {"__name__": name, "system_id": system_id, **labels}, "value": [0, str(value)]}


def test_each_reading_has_the_time_of_its_own_sample():
    values = [row("victron_ac_out_power", "rig_01", 4213), row("victron_battery_soc", "rig_01", 78)]
    times = [row("victron_ac_out_power", "rig_01", 100.5), row("victron_battery_soc", "rig_01", 90)]

    (rig,) = systems(values, times)

    assert rig.readings == {"soc": Reading(78, 90_000), "pout": Reading(4213, 100_500)}
    assert (rig.kind, rig.ts_ms) == ("gx", 100_500)


def test_of_two_series_of_one_name_the_newer_counts():
    values = [
        row("victron_dc_voltage", "rig_01", 48, job="gx_fast"),
        row("victron_dc_voltage", "rig_01", 47, job="gx_slow"),
    ]
    times = [
        row("victron_dc_voltage", "rig_01", 10, job="gx_fast"),
        row("victron_dc_voltage", "rig_01", 20, job="gx_slow"),
    ]

    assert systems(values, times)[0].readings["voltage"] == Reading(47, 20_000)


def test_what_is_no_number_is_no_reading():
    assert systems([row("acuvim_P", "m", "NaN")], [row("acuvim_P", "m", 1)]) == []


@pytest.mark.parametrize(("age_ms", "stale"), [(60_000, False), (60_001, True)])
def test_a_system_is_stale_after_a_minute_without_its_power(age_ms, stale):
    (meter,) = systems(
        [row("acuvim_P", "m", 5), row("acuvim_I", "m", 1)], [row("acuvim_P", "m", 1), row("acuvim_I", "m", 60)]
    )

    assert meter.stale(1_000 + age_ms) is stale


class Hanging:
    """A VictoriaMetrics that answers only when the test lets it."""

    def __init__(self):
        self.asked, self.go_on = threading.Event(), threading.Event()

    def query(self, _expression):
        self.asked.set()
        assert self.go_on.wait(30)
        raise VictoriaAway("timed out")


def test_a_victoria_metrics_that_hangs_holds_up_one_caller_only():
    victoria = Hanging()
    live = Live(victoria)
    held_up = threading.Thread(target=live.picture)
    held_up.start()
    assert victoria.asked.wait(30)

    others = [live.picture() for _ in range(5)]
    waiting = held_up.is_alive()
    victoria.go_on.set()
    held_up.join()

    assert waiting
    assert [picture.systems for picture in others] == [()] * 5
    assert live.picture().problem == "timed out"


def test_the_last_picture_stays_while_nobody_answers():
    class Once:
        def __init__(self):
            self.answers = [[row("acuvim_P", "m", 5)], [row("acuvim_P", "m", 1)]]

        def query(self, _expression):
            if not self.answers:
                raise VictoriaAway("gone")
            return self.answers.pop(0)

    live = Live(Once())
    first = live.picture()
    live._renewed = float("-inf")
    second = live.picture()

    assert second.systems == first.systems != ()
    assert (second.looked_ns, second.problem) == (first.looked_ns, "gone")
