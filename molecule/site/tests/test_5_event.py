"""One event from meter to report, on live data, judged by the scenario's analytic integral."""

from __future__ import annotations

import urllib.request

import pytest

from simulators.scenario import Scenario
from tests.demo import event, result
from tests.demo.__main__ import SYSTEMS, wait_live
from tests.lab.cache import REPO


@pytest.fixture(scope="module")
def ran(rig):
    """An event over one cycle of the scenario on the rig and both meters, its report and the truth about it."""
    api = event.Api(rig.url(8088))
    wait_live(api)
    scenario = Scenario.load(REPO / "simulators" / "scenarios" / f"{rig.scenario}.json", rig.seed)
    done = event.run(api, "site_check", SYSTEMS, seconds=scenario.cycle_s)
    report = event.wait_report(api, done)
    return done, report, result.rows(report, result.truth_wh(scenario, done, rig.epoch_ns))


def headline(rows: list[dict], system: str) -> dict:
    return next(row for row in rows if row["system_id"] == system and row["headline"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_total_energy_is_within_half_a_percent_of_the_truth(ran, system):
    row = headline(ran[2], system)

    assert abs(result.error_pct(row)) < 0.5, row


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_truth_lies_inside_every_interval_that_the_report_states(ran, system):
    figures = [row for row in ran[2] if row["system_id"] == system]

    assert figures
    for row in figures:
        assert result.inside(row), row


def test_the_report_names_the_devices_phases_and_notes(ran):
    report = ran[1]
    devices = {system["system_id"]: system["device"] for system in report["systems"]}

    assert devices == {"rig_01": "victron", "acuvim_11": "acuvim", "acuvim_12": "acuvim"}
    assert all(system["phases"] for system in report["systems"])
    assert len(report["notes"]) == 3


def test_the_report_page_stands_alone(ran, rig):
    """Everything the page needs is in it: no address of another host is loaded."""
    path = "/" + ran[0].report_url.split("://", 1)[-1].split("/", 1)[-1]
    with urllib.request.urlopen(rig.url(8088) + path, timeout=20) as reply:
        page = reply.read().decode()

    assert "<svg" in page
    assert "Load bank connected" in page
    for loading in ('src="http', 'href="http', "@import", "url(http"):
        assert loading not in page
