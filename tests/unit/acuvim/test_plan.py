"""What becomes of each meter: one table of states, then the numbers they get."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import targets
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.identify import METER, OTHER, PROBABLE, SILENT, Finding
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.plan import plan
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.registry import Meter
from hypothesis import given
from hypothesis import strategies as some

from tests.unit.acuvim.images import load

THEN, NOW = "2026-11-01T00:00:00+00:00", "2026-11-24T00:00:00+00:00"
EVERYWHERE = ("10.10.4.0/24",)


def meter(serial: str = "A", ip: str = "10.10.4.11", logger: int | None = 1, state: str = "active", **other) -> Meter:
    known = Meter(ip, 502, 1, serial, state, THEN, THEN, logger, block=0x3000, power_scale=1.0, has_energy=True)
    return replace(known, **other)


def found(serial: str = "A", ip: str = "10.10.4.11", verdict: str = METER, **other) -> Finding:
    live = {"block": 0x3000, "word_order": "ABCD", "power_scale": 1.0, "has_energy": True} if verdict == METER else {}
    return Finding(ip, 502, None if verdict == SILENT else 1, verdict, ("seen so",), serial, **{**live, **other})


def decide(known=(), findings=(), lines=EVERYWHERE, **options):
    listed = targets.parse(lines, "targets")
    return plan({one.key: one for one in known}, listed, findings, now=NOW, **options)


def state_of(decided) -> dict[str, tuple]:
    """Key → Logger, address, state."""
    return {key: (one.logger, one.ip, one.state) for key, one in decided.meters.items()}


def words_of(decided) -> list[tuple[str, str]]:
    return [(change.meter, change.what) for change in decided.changes]


AT_11, AT_12 = "10.10.4.11", "10.10.4.12"
NOBODY = found(serial="", verdict=SILENT)

TABLE = [
    pytest.param([], [found()], EVERYWHERE, {"A": (1, AT_11, "active")}, [("A", "new")], id="new"),
    pytest.param([meter()], [found()], EVERYWHERE, {"A": (1, AT_11, "active")}, [], id="known"),
    pytest.param([meter()], [NOBODY], EVERYWHERE, {"A": (1, AT_11, "active")}, [], id="missed"),
    pytest.param([meter()], [found(ip=AT_12)], EVERYWHERE, {"A": (1, AT_12, "active")}, [("A", "moved")], id="moved"),
    pytest.param(
        [meter()], [found("B")], EVERYWHERE,
        {"A": (1, AT_11, "displaced"), "B": (2, AT_11, "active")}, [("B", "new"), ("A", "displaced")],
        id="swapped",
    ),
    pytest.param(
        [meter(), meter("B", AT_12, 2)], [found("A", AT_12), found("B", AT_11)], EVERYWHERE,
        {"A": (1, AT_12, "active"), "B": (2, AT_11, "active")}, [("A", "moved"), ("B", "moved")],
        id="two changed places",
    ),
    pytest.param([meter()], [], (), {"A": (1, AT_11, "delisted")}, [("A", "delisted")], id="delisted"),
    pytest.param(
        [meter(state="delisted")], [found()], EVERYWHERE, {"A": (1, AT_11, "active")}, [("A", "returned")],
        id="listed again",
    ),
    pytest.param(
        [meter(state="delisted")], [NOBODY], EVERYWHERE, {"A": (1, AT_11, "active")}, [("A", "returned")],
        id="listed again, silent",
    ),
    pytest.param(
        [meter(state="displaced"), meter("B", AT_11, 2)], [found("A", AT_12), found("B")], EVERYWHERE,
        {"A": (1, AT_12, "active"), "B": (2, AT_11, "active")}, [("A", "moved"), ("A", "returned")],
        id="displaced, found elsewhere",
    ),
    pytest.param(
        [meter(state="displaced"), meter("B", AT_11, 2)], [NOBODY], EVERYWHERE,
        {"A": (1, AT_11, "displaced"), "B": (2, AT_11, "active")}, [],
        id="displaced, nobody there",
    ),
    pytest.param([], [found("", verdict=PROBABLE)], EVERYWHERE,
        {"10.10.4.11/1": (None, AT_11, "probable")}, [("10.10.4.11/1", "probable")], id="no signal, not enabled",
    ),
    pytest.param(
        [meter("", AT_11, None, "probable", block=None)], [found("A")], EVERYWHERE,
        {"A": (1, AT_11, "active")}, [("A", "identified"), ("A", "numbered"), ("A", "updated")],
        id="no signal, then a meter",
    ),
    pytest.param(
        [meter()], [found("", verdict=PROBABLE)], EVERYWHERE, {"A": (1, AT_11, "active")}, [],
        id="known, bus dead, identity unreadable",
    ),
    pytest.param(
        [meter()], [found("", verdict=METER)], EVERYWHERE, {"A": (1, AT_11, "active")}, [],
        id="known, identity unreadable",
    ),
    pytest.param(
        [meter("")], [found("A")], EVERYWHERE, {"A": (1, AT_11, "active")}, [("A", "updated")], id="tells its serial",
    ),
    pytest.param(
        [meter()], [found("", verdict=OTHER)], EVERYWHERE, {"A": (1, AT_11, "active")}, [], id="answers as another",
    ),
    pytest.param([], [found(verdict=OTHER), NOBODY], EVERYWHERE, {}, [], id="nothing to know"),
    pytest.param(
        [meter()], [found()], (*EVERYWHERE, "10.10.4.11 state=absent"),
        {"A": (1, AT_11, "absent")}, [("A", "absent")], id="out of service",
    ),
    pytest.param(
        [], [found()], (*EVERYWHERE, "10.10.4.11 state=absent"),
        {"A": (None, AT_11, "absent")}, [("A", "absent")], id="out of service before it was known",
    ),
    pytest.param(
        [meter(state="absent")], [NOBODY], EVERYWHERE, {"A": (1, AT_11, "absent")}, [], id="absent, silent",
    ),
    pytest.param(
        [meter(state="absent")], [found()], EVERYWHERE, {"A": (1, AT_11, "active")}, [("A", "returned")],
        id="absent, seen again",
    ),
    pytest.param(
        [meter(state="absent")], [found("B")], EVERYWHERE,
        {"A": (1, AT_11, "displaced"), "B": (2, AT_11, "active")}, [("B", "new"), ("A", "displaced")],
        id="absent, another in its place",
    ),
    pytest.param(
        [meter(state="absent")], [], (), {"A": (1, AT_11, "delisted")}, [("A", "delisted")], id="absent, delisted",
    ),
    pytest.param(
        [meter(power_scale=None)], [found(power_scale=1000.0)], EVERYWHERE,
        {"A": (1, AT_11, "active")}, [("A", "updated")], id="shows its power unit",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("known", "findings", "lines", "states", "words"), TABLE)
def test_state(known, findings, lines, states, words):
    decided = decide(known, findings, lines)

    assert state_of(decided) == states
    assert sorted(words_of(decided)) == sorted(words)


@pytest.mark.parametrize(("known", "findings", "lines"), [pytest.param(*row.values[:3], id=row.id) for row in TABLE])
def test_the_second_run_changes_nothing(known, findings, lines):
    first = decide(known, findings, lines)
    second = decide(first.meters.values(), findings, lines)

    assert not second.changes_registry
    assert words_of(second) == []


@pytest.mark.parametrize(
    ("known", "findings", "lines", "loggers"),
    [
        pytest.param([], [found("A", AT_12), found("B", AT_11)], EVERYWHERE, {"B": 1, "A": 2}, id="new by address"),
        pytest.param([meter(logger=2)], [found(), found("B", AT_12)], EVERYWHERE, {"A": 2, "B": 1}, id="lowest free"),
        pytest.param([meter()], [found("B", AT_12)], EVERYWHERE, {"A": 1, "B": 2}, id="a silent meter keeps its own"),
        pytest.param([], [found()], ("10.10.4.11 logger=7",), {"A": 7}, id="the operator's number"),
        pytest.param([meter()], [found()], ("10.10.4.11 logger=7",), {"A": 7}, id="the operator's new number"),
        pytest.param(
            [], [found("B", AT_12)], (*EVERYWHERE, "10.10.4.11 logger=1"), {"B": 2}, id="a promised number is not taken"
        ),
        pytest.param(
            [meter(), meter("B", AT_12, 2)],
            [found(), found("B", AT_12)],
            ("10.10.4.11 logger=2", "10.10.4.12 logger=1"),
            {"A": 2, "B": 1},
            id="exchanged",
        ),
        pytest.param(
            [meter(state="delisted"), meter("B", AT_12, 2)],
            [found("B", AT_12)],
            ("10.10.4.12 logger=1",),
            {"A": 1, "B": 2},
            id="not the number of a meter that may return",
        ),
        pytest.param(
            [meter(), meter("B", AT_12, 2), meter("C", "10.10.4.13", 3)],
            [found(), found("B", AT_12), found("C", "10.10.4.13")],
            ("10.10.4.11 logger=2", "10.10.4.12 logger=3", "10.10.4.13"),
            {"A": 1, "B": 2, "C": 3},
            id="a chain that ends at a number in use",
        ),
    ],
)
def test_logger_number(known, findings, lines, loggers):
    decided = decide(known, findings, lines)

    assert {key: one.logger for key, one in decided.meters.items()} == loggers


def test_a_refused_number_is_told_with_its_remedy():
    decided = decide([meter()], [found("B")], ("10.10.4.11 logger=1",))

    assert decided.meters["B"].logger == 2
    (problem,) = [text for text in decided.problems if "Logger 1" in text]
    assert "A (displaced, 10.10.4.11/1)" in problem
    assert "forget" in problem


def test_a_forgotten_meter_gives_its_number_away():
    decided = decide([meter(), meter("B", AT_12, 2)], [found("B", AT_12)], ("10.10.4.12 logger=1",), forget=["A"])

    assert state_of(decided) == {"B": (1, AT_12, "active")}
    assert ("A", "forgotten") in words_of(decided)


def test_only_a_known_meter_can_be_forgotten():
    with pytest.raises(AcuvimError, match="cannot forget 'X': not in the registry; known: A"):
        decide([meter()], [], forget=["X"])


@pytest.mark.parametrize("home", [AT_11, AT_12], ids=["at the first address", "at the second"])
def test_a_serial_that_answers_twice_is_polled_once_where_it_is_known(home):
    decided = decide([meter(ip=home)], [found(ip=AT_11), found(ip=AT_12)])

    assert state_of(decided) == {"A": (1, home, "active")}
    assert any("serial A answers at" in problem for problem in decided.problems)


@pytest.mark.parametrize(("finding", "doubts"), [(NOBODY, 0), (found("", verdict=OTHER), 1)], ids=["silent", "odd"])
def test_a_meter_whose_samples_arrive_is_in_doubt_only_if_it_answers_oddly(finding, doubts):
    decided = decide([meter()], [finding], alive={(AT_11, 502, 1)})

    assert len(decided.problems) == doubts
    assert decided.meters["A"].missing_since == ""


@pytest.mark.parametrize(
    ("known", "findings", "says"),
    [
        pytest.param(meter(), NOBODY, ["acuvim_11", "no answer: seen so", "stays"], id="silent"),
        pytest.param(meter(), found("", verdict=OTHER), ["acuvim_11", "not an Acuvim: seen so"], id="something else"),
        pytest.param(meter(power_scale=None), found(power_scale=None), ["acuvim_11", "power=W"], id="no load yet"),
    ],
)
def test_doubts_are_told_without_a_change(known, findings, says):
    decided = decide([known], [findings])

    assert not decided.changes_registry
    assert [word for word in says if word not in decided.problems[0]] == []


def test_the_operator_settles_the_power_unit():
    decided = decide([], [found(power_scale=None)], ("10.10.4.11 power=kW",))

    assert decided.meters["A"].power_scale == 1000.0
    assert decided.problems == ()


def test_a_dead_bus_does_not_unsettle_what_is_known():
    known = meter(word_order="CDAB", power_scale=1000.0)

    decided = decide([known], [found(word_order="", power_scale=None)])

    assert decided.meters["A"] == replace(known, last_seen=NOW)


def test_a_name_moves_with_its_meter_until_it_is_given_to_another_address():
    named = meter(name="generator")

    kept = decide([named], [found(ip=AT_12)])
    given = decide([named], [found(ip=AT_12), found("B")], (*EVERYWHERE, "10.10.4.11 name=generator"))

    assert kept.meters["A"].device == "generator"
    assert (given.meters["A"].device, given.meters["B"].device) == ("acuvim_11", "generator")


TURNED = load(Pb=-1283.0)


def test_a_wiring_fault_is_told_and_remembered_and_is_no_change():
    seen = decide([meter()], [found(values=TURNED)])
    unloaded = decide(seen.meters.values(), [found(values=load(amperes=0))])
    corrected = decide(seen.meters.values(), [found(values=load())])

    assert "acuvim_11 at 10.10.4.11/1: current b flows against the others" in seen.problems[0]
    assert not seen.changes_registry
    assert [one.meters["A"].wiring_faults for one in (seen, unloaded, corrected)] == [
        ("reversed_ct",),
        ("reversed_ct",),
        (),
    ]
    assert seen.meters["A"].wiring_judged == NOW


LONG_AGO, LATELY = "2026-10-01T00:00:00+00:00", "2026-11-23T23:00:00+00:00"


@pytest.mark.parametrize(
    ("since", "policy", "state"),
    [
        pytest.param(LONG_AGO, {}, "active", id="without a policy for ever"),
        pytest.param(LONG_AGO, {"absent_after_s": 30 * 86400.0}, "absent", id="too long"),
        pytest.param(LATELY, {"absent_after_s": 30 * 86400.0}, "active", id="not long enough"),
        pytest.param(LATELY, {"absent_after_s": 3600.0}, "absent", id="just long enough"),
        pytest.param("", {"absent_after_s": 1.0}, "active", id="the first miss never"),
        pytest.param(LONG_AGO, {"absent_after_s": 1.0, "alive": {(AT_11, 502, 1)}}, "active", id="its samples arrive"),
    ],
)
def test_a_missing_meter_becomes_absent_by_policy_only(since, policy, state):
    decided = decide([meter(missing_since=since)], [NOBODY], **policy)

    assert decided.meters["A"].state == state
    assert decided.meters["A"].logger == 1


def test_the_time_a_meter_is_missing_begins_at_a_miss_and_ends_when_it_is_seen():
    missed = decide([meter()], [NOBODY])
    not_asked = decide([meter()], [])
    seen = decide([meter(missing_since=LONG_AGO)], [found()])

    assert [one.meters["A"].missing_since for one in (missed, not_asked, seen)] == [NOW, "", ""]
    assert not missed.changes_registry


def test_an_absent_meter_keeps_the_number_it_had():
    decided = decide([meter(state="absent"), meter("B", AT_12, 2)], [found("B", AT_12)], ("10.10.4.12 logger=1", AT_11))

    assert state_of(decided) == {"A": (1, AT_11, "absent"), "B": (2, AT_12, "active")}
    assert "A (absent, 10.10.4.11/1)" in decided.problems[0]


SERIALS = some.sampled_from(["", "A", "B", "C"])
ADDRESSES = some.sampled_from([AT_11, AT_12, "10.10.4.13"])
VERDICTS = some.sampled_from([METER, METER, PROBABLE, OTHER, SILENT])
QUARANTINE = (*EVERYWHERE, "10.10.4.12 state=absent")
LINES = some.sampled_from([EVERYWHERE, QUARANTINE, (AT_11,), ("10.10.4.11 logger=2", "10.10.4.12 logger=1"), ()])
SIGHTING = some.builds(lambda serial, verdict: (serial, verdict), SERIALS, VERDICTS)
SCAN = some.tuples(some.dictionaries(ADDRESSES, SIGHTING, max_size=3), LINES)


@given(some.lists(SCAN, min_size=1, max_size=6))
def test_whatever_is_seen_numbers_stay_unique_and_no_place_is_polled_twice(scans):
    known: dict[str, Meter] = {}
    for sightings, lines in scans:
        findings = [found(serial, ip, verdict) for ip, (serial, verdict) in sorted(sightings.items())]
        before, decided = known, decide(known.values(), findings, lines)
        known = decided.meters
        again = decide(known.values(), findings, lines)

        loggers = [one.logger for one in known.values() if one.logger is not None]
        polled = [one.place for one in known.values() if one.is_polled]
        assert len(loggers) == len(set(loggers))
        assert len(polled) == len(set(polled))
        assert {one.serial for one in before.values()} - {""} <= {one.serial for one in known.values()}
        assert all(one.logger is not None for one in known.values() if one.is_polled)
        assert not again.changes_registry
