"""A report is final when every series has passed the end of the event, or has had its time to."""

from __future__ import annotations

import numpy as np
import pytest

T = np.arange(-60, 663, 0.5)


def whole_of(report, request, raws, after_s):
    return report(request, {"rig_01": raws}, after_s=after_s)[0]


@pytest.mark.parametrize(
    ("until", "after_s", "state", "reasons"),
    [
        pytest.param(604, 5, "final", 0, id="all there"),
        pytest.param(600.4, 1, "provisional", 4, id="not yet past the end"),
        pytest.param(590, 5, "provisional", 4, id="tail missing"),
        pytest.param(590, 61, "provisional", 4, id="tail missing after a minute"),
        pytest.param(590, 601, "final", 4, id="tail missing for good"),
    ],
)
def test_state(report, request_for, stored, until, after_s, state, reasons):
    whole = whole_of(report, request_for("rig_01"), stored.victron(T[until > T], 1000), after_s)
    assert (whole["state"], len(whole["state_reasons"])) == (state, reasons)


def test_no_sample_at_all_is_a_reason(report, request_for):
    whole = whole_of(report, request_for("rig_01"), [], 5)
    assert whole["state"] == "provisional"
    assert whole["state_reasons"] == ["rig_01: no sample of a power series."]
    assert whole_of(report, request_for("rig_01"), [], 700)["state"] == "final"


def test_one_phase_that_stopped_is_named(report, request_for, stored):
    raws = [raw for raw in stored.victron(T, 1000) if raw.name != "victron_ac_out_l3_p"]
    whole = whole_of(report, request_for("rig_01"), [*raws, stored.raw("victron_ac_out_l3_p", T[T < 300], 200)], 5)
    assert [reason.split()[1] for reason in whole["state_reasons"]] == ["victron_ac_out_l3_p"]


def test_each_series_has_a_watermark(report, request_for, stored):
    request = request_for("rig_01")
    whole = whole_of(report, request, stored.victron(T, 1000, shares=(1.0,)), 5)
    assert whole["systems"][0]["watermarks"] == {
        "victron_ac_out_power": request.end_ns + 3_000_000_000,
        "victron_ac_out_l1_p": request.end_ns + 3_000_000_000,
    }


def test_a_meter_with_a_new_address_is_one_series(report, request_for, stored):
    old, new = T[T < 200], T[T >= 200]
    raws = [stored.raw("acuvim_P", old, 3600, ip="10.10.4.11"), stored.raw("acuvim_P", new, 3600, ip="10.10.4.99")]
    whole = whole_of(report, request_for("rig_01"), raws, 5)
    assert whole["state"] == "final"
    assert whole["systems"][0]["energy"][0]["import"] == pytest.approx(600)
    assert whole["systems"][0]["quality"]["gaps"] == []


def test_overlapping_series_of_one_name_are_never_mixed(report, request_for, stored):
    raws = [
        stored.raw("acuvim_P", T, 3600, device="one"),
        stored.raw("acuvim_P", T[::3] + 0.1, 100, device="two"),
    ]
    system = whole_of(report, request_for("rig_01"), raws, 5)["systems"][0]
    assert system["energy"][0]["import"] == pytest.approx(600)
    assert "2 series named acuvim_P overlap" in system["findings"][0]


def test_of_a_slow_collector_the_next_sample_is_used(report, request_for, stored):
    whole = whole_of(report, request_for("rig_01"), stored.victron(np.arange(-57, 663, 10.0), 3600), 60)
    assert whole["systems"][0]["energy"][0]["missing_s"] == 0
    assert whole["systems"][0]["energy"][0]["import"] == pytest.approx(600)
