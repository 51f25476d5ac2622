"""The box killed and started again: everything healthy by itself, no acknowledged event lost."""

from __future__ import annotations

import pytest

from tests.demo.event import Api
from tests.lab.release import SERVICES
from tests.parts.process import wait_until


@pytest.fixture(scope="module")
def survived(rig):
    """What the API acknowledged right before the power went."""
    before = Api(rig.url(8088))
    started = before.post("/api/event/start", system_id="rig_01", event_id="storm", location="hill")
    noted = before.post("/api/note", system_id="rig_01", event_id="storm", msg="lights flicker")
    rig.power_cycle()
    return started, noted


@pytest.mark.usefixtures("survived")
@pytest.mark.parametrize("service", SERVICES)
def test_container_is_healthy_again_by_itself(rig, service):
    def healthy():
        state = rig.ssh(f"sudo docker inspect --format '{{{{.State.Health.Status}}}}' {service} 2>/dev/null || true")
        return state == "healthy"

    wait_until(healthy, 120, f"{service} healthy after the power cut", every=1)


def test_the_running_event_and_its_note_are_still_there(rig, survived):
    started, _ = survived
    status = Api(rig.url(8088)).get("/api/status?system_id=rig_01")
    notes = Api(rig.url(8088)).get("/api/notes?event_id=storm")["notes"]

    assert status["active_event"]["event_id"] == "storm"
    assert status["active_event"]["location"] == "hill"
    assert [note["note"] for note in notes] == ["lights flicker"]
    assert started["success"]


@pytest.mark.usefixtures("survived")
def test_every_series_flows_again(rig):
    for metric in ("victron_ac_out_power", "acuvim_P", "node_load1"):
        url = f"http://127.0.0.1:8428/api/v1/query?query=count({metric})&nocache=1"
        wait_until(
            lambda url=url: '"value"' in rig.ssh(f"curl -fsS -m 5 '{url}' || true"), 120, f"fresh {metric}", every=1
        )
