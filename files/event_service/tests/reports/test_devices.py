"""Devices, phases and voltages are told from the series, with the evidence."""

from __future__ import annotations

import numpy as np
import pytest

from event_service.reports import devices
from event_service.reports.devices import ACUVIM, VICTRON, detect, settle_refresh
from event_service.reports.interval import Refresh
from event_service.reports.series import EMPTY, clean

T = np.arange(100.0)


def held(**values):
    return {name: clean(T, np.full(100, float(value))) for name, value in values.items()}


def gx(*volts):
    phases = {}
    for n, v in enumerate(volts, 1):
        phases |= {f"victron_ac_out_l{n}_p": 500, f"victron_ac_out_l{n}_v": v}
    return held(victron_ac_out_power=1500, **phases)


def meter(va, vb, vc, **more):
    return held(
        acuvim_P=1500, acuvim_Pa=500, acuvim_Pb=500, acuvim_Pc=0, acuvim_Va=va, acuvim_Vb=vb, acuvim_Vc=vc, **more
    )


@pytest.mark.parametrize(
    ("series", "family", "phases", "configuration", "nominal"),
    [
        pytest.param(gx(231, 229, 230), "victron", ("L1", "L2", "L3"), "three phase", 230, id="three phases"),
        pytest.param(gx(238.5), "victron", ("L1",), "single phase", 240, id="one phase of 240 V"),
        pytest.param(gx(119, 121), "victron", ("L1", "L2"), "split phase", 120, id="two legs of 120 V"),
        pytest.param(gx(231, 229), "victron", ("L1", "L2"), "two phases of three", 230, id="two phases of 230 V"),
        pytest.param(meter(277, 278, 276), "acuvim", ("A", "B", "C"), "three phase", 277, id="a meter"),
        pytest.param(meter(120, 120, 0, acuvim_Vab=240), "acuvim", ("A", "B"), "split phase", 120, id="opposed legs"),
        pytest.param(
            meter(120, 120, 0, acuvim_Vab=208), "acuvim", ("A", "B"), "two phases of three", 120, id="at 120°"
        ),
        pytest.param(held(victron_ac_out_power=5), "victron", (), "unknown", None, id="a total alone"),
        pytest.param(held(victron_ac_out_l1_p=5), "victron", ("L1",), "single phase", None, id="a phase alone"),
        pytest.param(held(acuvim_Va=230), "unknown", (), "unknown", None, id="no power"),
        pytest.param({}, "unknown", (), "unknown", None, id="nothing"),
        pytest.param({"acuvim_P": EMPTY}, "unknown", (), "unknown", None, id="an empty series"),
    ],
)
def test_detect(series, family, phases, configuration, nominal):
    found = detect(series)
    assert (found.family, found.phases, found.configuration) == (family, phases, configuration)
    assert found.nominal_voltage == nominal
    assert all(sentence.endswith(".") for sentence in found.evidence)
    assert found.evidence


def test_two_kinds_of_series_are_named():
    found = detect(gx(230, 230, 230) | held(acuvim_P=5))
    assert found.family == "victron"
    assert "Acuvim" in found.evidence[0]


def test_a_gx_that_reports_apparent_power_says_so():
    assert detect(gx(230) | held(victron_ac_power_measurement_type=0)).power_is_apparent
    assert not detect(gx(230) | held(victron_ac_power_measurement_type=4)).power_is_apparent


@pytest.mark.parametrize(
    ("profile", "seen", "settled"),
    [
        pytest.param(ACUVIM, Refresh(0.5, 40), Refresh(0.1, 40), id="faster than the slow block: the fast one"),
        pytest.param(ACUVIM, Refresh(1.0, 40), Refresh(1.0, 40), id="as slow as the slow block"),
        pytest.param(ACUVIM, Refresh(1.0, 0), Refresh(1.0, 0), id="assumed"),
        pytest.param(VICTRON, Refresh(0.5, 40), Refresh(0.5, 40), id="a GX has one block"),
    ],
)
def test_settle_refresh(profile, seen, settled):
    assert settle_refresh(seen, profile) == settled


def test_every_series_that_is_integrated_is_fetched():
    assert set(devices.power_names()) <= set(devices.names())
