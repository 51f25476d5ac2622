"""Judging recent samples of a meter."""

from __future__ import annotations

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.quality import IDENTITIES, gap_ratio, judge

from tests.unit.acuvim.images import load


def series(*polls: dict) -> dict[str, list[tuple[float, float]]]:
    """One poll a second."""
    return {name: [(100.0 + n, poll[name]) for n, poll in enumerate(polls)] for name in polls[0]}


def test_values_that_agree_have_no_residual():
    judged = judge(series(load()))

    assert set(judged.residuals) == set(IDENTITIES)
    assert max(judged.residuals.values()) < 1e-9


# load() is 120 V and 10 A on average at a power factor of 0.9: 3595.2 VA, of these 1200 in phase a.
@pytest.mark.parametrize(
    ("wrong", "identity", "apart"),
    [
        pytest.param({"Vln": 132.0}, "Vln", 12 / 132, id="voltage"),
        pytest.param({"Vll": 415.0}, "Vll", 0.5, id="line voltage"),
        pytest.param({"I": 20.0}, "I", 10 / 20, id="current"),
        pytest.param({"Pa": 0.0}, "P", 1200 / 3595.2, id="power"),
        pytest.param({"Q": 0.0}, "S", 0.1, id="apparent power"),
        pytest.param({"PF": 0.5}, "PF", 0.4, id="power factor"),
    ],
)
def test_one_wrong_value_shows_in_its_identity(wrong, identity, apart):
    residuals = judge(series(load(**wrong))).residuals

    assert residuals[identity] == pytest.approx(apart, rel=0.01)
    assert [name for name, value in residuals.items() if value > 1e-9] == [identity]


def test_an_identity_without_all_its_values_is_not_judged():
    samples = {name: values for name, values in series(load()).items() if name[0] not in "PS"}

    assert set(judge(samples).residuals) == {"Vln", "Vll", "I"}
    assert judge({}) is None


@pytest.mark.parametrize(
    ("hertz", "repeated"),
    [([60.0] * 4, 3), ([60.0, 60.01, 60.01], 1), ([60.0, 60.01], 0), ([60.0, 60.0, 60.01], 0), ([60.0], 0)],
    ids=["frozen", "twice the same", "alive", "alive again", "one poll"],
)
def test_polls_that_repeat_the_newest_are_counted(hertz, repeated):
    assert judge(series(*(load(hertz=one) for one in hertz))).repeated == repeated


def test_values_that_another_input_read_at_other_times_are_left_out():
    samples = series(load(), load())
    samples["P"] = [(stamp + 0.03, value) for stamp, value in samples["P"]]

    assert set(judge(samples).residuals) == {"Vln", "Vll", "I"}


@pytest.mark.parametrize(
    ("received", "seconds", "interval_s", "ratio"),
    [(600, 600, 1.0, 0.0), (300, 600, 1.0, 0.5), (0, 600, 1.0, 1.0), (2999, 600, 0.2, 1 / 3000), (7, 3, 1.0, 0.0)],
    ids=["none", "half", "all", "one of 3000", "more than expected"],
)
def test_gaps_are_the_share_of_polls_that_brought_nothing(received, seconds, interval_s, ratio):
    assert gap_ratio(received, seconds, interval_s) == pytest.approx(ratio)
