"""What a request does to the runs, decided from values."""

from __future__ import annotations

import pytest

from event_service import runs
from event_service.clock import SECOND
from event_service.errors import Conflict, Invalid, Malformed
from event_service.runs import Begin, Finish, Move, Part

T0 = 1_795_501_800_000_000_000


def part(system="rig_01", event="load_test", run="run1", start=T0, end=None, location="yard", since=None):
    return Part(1, run, event, system, location, since or start, start, end)


def start(active=(), past=(), *, system="rig_01", event="load_test", at=T0 + 60 * SECOND, replace=False):
    return runs.start(system, event, "yard", at, replace=replace, active=active, past=past, new_id="new")


def test_a_start_opens_a_run():
    assert start() == [Begin("new", "load_test", "rig_01", "yard", T0 + 60 * SECOND)]


def test_a_start_joins_the_run_of_the_same_event_on_another_system():
    assert start([part(system="acuvim_11", run="theirs")])[0].run_id == "theirs"


def test_a_start_beside_another_event_on_another_system_opens_its_own_run():
    assert start([part(system="acuvim_11", event="other")])[0].run_id == "new"


def test_starting_what_runs_does_nothing():
    assert start([part()]) == []


def test_another_event_on_the_system_is_named_in_the_refusal():
    with pytest.raises(Conflict, match="'startup' is active on rig_01 since 2026-11-24T06:30:00") as refused:
        start([part(event="startup")])

    assert refused.value.data["active_event"] == "startup"


def test_replace_ends_the_other_event_at_the_same_moment():
    other = part(event="startup")

    assert start([other], replace=True) == [
        Finish(other, T0 + 60 * SECOND),
        Begin("new", "load_test", "rig_01", "yard", T0 + 60 * SECOND),
    ]


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        pytest.param(T0 - 1, True, id="before the earlier use"),
        pytest.param(T0, False, id="at its start"),
        pytest.param(T0 + 9, False, id="within it"),
        pytest.param(T0 + 10, True, id="at its end"),
    ],
)
def test_uses_of_one_event_on_one_system_do_not_overlap(at, allowed):
    past = [part(end=T0 + 10)]
    if allowed:
        assert start(past=past, at=at)
    else:
        with pytest.raises(Conflict, match="already ran on rig_01"):
            start(past=past, at=at)


def end(active=(), past=(), *, event=None, at=T0 + SECOND, given=True):
    return runs.end("rig_01", event, at, given=given, active=active, past=past)


def test_an_end_finishes_the_part():
    assert end([part()]) == Finish(part(), T0 + SECOND)


def test_an_end_with_nothing_active_is_refused():
    with pytest.raises(Malformed, match="no event is active on rig_01"):
        end([part(system="acuvim_11")])


def test_an_end_of_another_event_names_the_active_one():
    with pytest.raises(Conflict, match="'load_test' is") as refused:
        end([part()], event="startup")

    assert refused.value.data["active_event"] == "load_test"


@pytest.mark.parametrize("active", [(), (part(event="startup"),)], ids=["nothing active", "another event active"])
def test_the_same_end_again_is_answered_again(active):
    ended = part(end=T0 + SECOND)

    assert end(active, [ended], event="load_test") == ended


def test_an_end_before_the_start_is_refused():
    with pytest.raises(Invalid, match="is before 2026-11-24T06:30:00"):
        end([part()], at=T0 - 1)


def test_a_clock_that_was_set_back_does_not_keep_an_event_open():
    assert end([part()], at=T0 - 3600 * SECOND, given=False).ts_ns == T0


def test_end_all_finishes_every_part_of_the_event():
    parts = [part(), part(system="acuvim_11"), part(system="acuvim_12", event="other")]

    finishes = runs.end_all("load_test", T0 + 5, given=True, active=parts)

    assert [finish.part.system_id for finish in finishes] == ["rig_01", "acuvim_11"]


def test_end_all_of_what_is_not_active_names_what_is():
    with pytest.raises(Malformed, match="active events: other, startup"):
        runs.end_all("load_test", T0, given=False, active=[part(event="startup"), part(system="a", event="other")])


@pytest.mark.parametrize(
    ("active", "expected"),
    [
        pytest.param([], None, id="no event"),
        pytest.param([part(location="field")], None, id="there already"),
        pytest.param([part()], Move(part(), "field", T0 + 5), id="elsewhere"),
    ],
)
def test_a_move_within_an_event(active, expected):
    assert runs.move("rig_01", "field", T0 + 5, given=True, active=active) == expected


def test_a_move_before_the_last_one_is_refused():
    with pytest.raises(Invalid, match="when the last location began"):
        runs.move("rig_01", "field", T0 + 5, given=True, active=[part(since=T0 + 6)])


def test_a_run_is_named_by_its_start():
    assert runs.new_run_id(T0, "4f2a91") == "20261124T063000Z-4f2a91"
