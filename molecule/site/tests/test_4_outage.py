"""VictoriaMetrics away: operators notice nothing, and nothing is lost."""

from __future__ import annotations

import json
import time
import urllib.parse

import pytest

from tests.parts.process import wait_until


@pytest.fixture
def without_victoria_metrics(host, health):
    """VictoriaMetrics stopped as by hand; started again afterwards, whatever happened."""
    host.check_output("docker stop victoria-metrics")
    assert host.check_output("docker inspect --format '{{.State.Running}}' victoria-metrics") == "false"
    yield
    host.check_output("docker start victoria-metrics")
    wait_until(lambda: health("victoria-metrics") == "healthy", 60, "VictoriaMetrics healthy", every=0.5)


def markers(host, event_id: str) -> dict[int, float]:
    """The marker samples of an event as VictoriaMetrics holds them: time in ms → value."""
    match = f'ovr_event_active{{event_id="{event_id}"}}'
    now = time.time()
    query = urllib.parse.urlencode({"match[]": match, "start": f"{now - 3600:.3f}", "end": f"{now + 60:.3f}"})
    host.run("curl -fsS -m 10 http://127.0.0.1:8428/internal/force_flush")
    found = host.run("curl -fsS -m 10 %s", f"http://127.0.0.1:8428/api/v1/export?{query}")
    samples: dict[int, float] = {}
    for line in found.stdout.splitlines():
        series = json.loads(line)
        samples.update(zip(series["timestamps"], series["values"], strict=True))
    return samples


def test_an_event_goes_on_without_victoria_metrics_and_its_markers_arrive_later(host, api, request):
    request.getfixturevalue("without_victoria_metrics")
    started = api.post("/api/event/start", system_id="rig_01", event_id="dark_hour", location="yard")
    noted = api.post("/api/note", system_id="rig_01", event_id="dark_hour", msg="no database, no problem")
    ended = api.post("/api/event/end", system_id="rig_01", event_id="dark_hour")
    assert started["success"]
    assert noted["success"]
    assert ended["success"]
    host.check_output("docker start victoria-metrics")

    wanted = {started["ts"] // 1_000_000: 1.0, ended["ts"] // 1_000_000: 0.0}
    wait_until(
        lambda: wanted.items() <= markers(host, "dark_hour").items(), 120, "both markers in VictoriaMetrics", every=2
    )


def test_the_note_written_meanwhile_is_listed(api):
    notes = api.get("/api/notes?event_id=dark_hour")["notes"]

    assert [note["note"] for note in notes] == ["no database, no problem"]
