"""The program as it runs: its command line, real VictoriaMetrics coming and going, and kill -9 at any moment."""

from __future__ import annotations

import json
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from http.client import HTTPException
from itertools import pairwise

import pytest

from tests.lab import tools
from tests.parts.event_service import SERVICE, EventService
from tests.parts.process import Process, free_port, http_ok, wait_until
from tests.parts.victoria_metrics import VictoriaMetrics

pytestmark = pytest.mark.real

MS = 1_000_000


@pytest.fixture
def start_service(tmp_path):
    started = []

    def start(*arguments, **environment) -> EventService:
        started.append(EventService(tmp_path, *arguments, **environment))
        return started[-1]

    yield start
    for service in started:
        service.stop()


def run(*words, **environment):
    command = [sys.executable, "-m", "event_service", *words]
    return subprocess.run(
        command, cwd=SERVICE, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def markers(vm, event_id) -> list[tuple[str, int, int]]:
    """System, ms and value of each marker sample of an event that VictoriaMetrics holds, in order."""
    found = vm.export(f'ovr_event_active{{event_id="{event_id}"}}', time.time() - 86_400, time.time() + 600)
    return sorted(
        (series["metric"]["system_id"], ms, value)
        for series in found
        for ms, value in zip(series["timestamps"], series["values"], strict=True)
    )


# Command line ---------------------------------------------------------------------------------------------------------


def test_the_escaping_test_runs_alone_and_prints_what_operators_know():
    done = subprocess.run(
        [sys.executable, "test_influx_escaping.py"], cwd=SERVICE, capture_output=True, text=True, check=True
    )

    assert done.stdout == (
        "✓ test_escape_tag_value passed\n"
        "✓ test_escape_field_string passed\n"
        "✓ test_escape_measurement passed\n"
        "✓ test_complete_line_protocol passed\n"
        "\n"
        "✅ All tests passed!\n"
    )


def test_help_and_version_need_no_settings():
    assert "DB_PATH" in run("--help").stdout
    assert run("--version").stdout.strip()


def test_a_missing_setting_ends_the_program_with_one_sentence():
    done = run()

    assert done.returncode == 2
    assert done.stderr.startswith("event_service: DB_PATH: not set")
    assert len(done.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(DB_PATH=str(tmp_path / "events.db"), PORT=str(taken.getsockname()[1]))

    assert done.returncode == 2
    assert "PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_service_on_the_same_data_is_refused(start_service, tmp_path):
    start_service()
    done = run(DB_PATH=str(tmp_path / "events.db"), PORT=str(free_port()))

    assert done.returncode == 2
    assert "another event service runs" in done.stderr


def test_the_program_ends_in_order_on_sigterm(start_service):
    service = start_service()
    service.child.terminate()

    assert service.child.wait(10) == 0
    assert "INFO server: Ended" in service.tail()


def test_the_report_of_a_stored_event_by_command(start_service, shared_victoria_metrics, tmp_path):
    vm = shared_victoria_metrics
    service = start_service(vm.url)
    now_ms = int(time.time() * 1000)
    times = list(range(now_ms - 130_000, now_ms - 5_000, 500))
    vm.import_samples({"__name__": "acuvim_P", "system_id": "cli_meter"}, times, [1200.0] * len(times))
    start_ns, end_ns = (now_ms - 120_000) * MS, (now_ms - 60_000) * MS
    service.post("/api/event/start", system_id="cli_meter", event_id="by command", ts=start_ns)
    service.post("/api/event/end", system_id="cli_meter", ts=end_ns)
    out = tmp_path / "out"

    done = run("report", "by command", "--out", str(out), DB_PATH=str(tmp_path / "events.db"), VM_QUERY_URL=vm.url)

    assert done.stdout.strip() == str(out), done.stderr
    data = json.loads((out / "data.json").read_text())
    # 1200 W for 60 s
    assert data["systems"][0]["energy"][0]["import"] == pytest.approx(20.0, abs=0.05)
    assert (data["event"]["start_ns"], data["event"]["end_ns"]) == (start_ns, end_ns)
    assert (out / "report.html").is_file()
    assert "no ended run" in run("report", "never", DB_PATH=str(tmp_path / "events.db"), VM_QUERY_URL=vm.url).stderr


# VictoriaMetrics comes and goes ---------------------------------------------------------------------------------------


def test_events_go_on_while_victoria_metrics_is_away_and_their_markers_arrive_later(start_service, tmp_path):
    port = free_port()
    service = start_service(f"http://127.0.0.1:{port}")
    started = service.post("/api/event/start", system_id="rig_01", event_id="away", location="yard")
    service.post("/api/note", system_id="rig_01", msg="VictoriaMetrics is down")
    ended = service.post("/api/event/end", system_id="rig_01")
    degraded = wait_until(lambda: service.get("/health")["status"] == "degraded", 15, "health to say so")

    (tmp_path / "vm").mkdir()
    vm = VictoriaMetrics(tmp_path / "vm", port=port)
    try:
        expected = [("rig_01", started["ts"] // MS, 1), ("rig_01", ended["ts"] // MS, 0)]
        wait_until(lambda: markers(vm, "away") == expected, 30, "both markers in VictoriaMetrics")
        wait_until(lambda: service.get("/health")["status"] == "ok", 30, "health to recover")
        wait_until(lambda: service.status("/api/reports/away") == 200, 60, "the report")
    finally:
        vm.stop()
    assert degraded


def test_markers_lost_by_a_kill_of_victoria_metrics_are_sent_again(start_service, tmp_path):
    (tmp_path / "vm").mkdir()
    vm = VictoriaMetrics(tmp_path / "vm")
    service = start_service(vm.url)
    started = service.post("/api/event/start", system_id="rig_01", event_id="killed")
    ended = service.post("/api/event/end", system_id="rig_01")
    expected = [("rig_01", started["ts"] // MS, 1), ("rig_01", ended["ts"] // MS, 0)]
    wait_until(lambda: service.get("/health")["outbox_waiting"] == 0, 20, "both markers read back")

    vm.kill()
    # VictoriaMetrics tells its start in whole seconds: two starts within one look like one.
    second = int(time.time())
    wait_until(lambda: int(time.time()) > second, 2, "the next second")
    vm = VictoriaMetrics(tmp_path / "vm", port=vm.port)
    try:
        wait_until(lambda: sorted(set(markers(vm, "killed"))) == expected, 40, "both markers after the kill")
    finally:
        vm.stop()


@pytest.fixture
def vmagent(tmp_path, shared_victoria_metrics):
    port = free_port()
    agent = Process(
        [
            tools.program("vmagent"),
            f"-httpListenAddr=127.0.0.1:{port}",
            f"-remoteWrite.url={shared_victoria_metrics.url}/api/v1/write",
            f"-remoteWrite.tmpDataPath={tmp_path / 'vmagent'}",
            "-remoteWrite.queues=1",
            "-remoteWrite.label=node_id=box1,deployment_id=site1",
        ],
        tmp_path / "vmagent.log",
    )
    agent.wait_ready(lambda: http_ok(f"http://127.0.0.1:{port}/health"))
    yield f"http://127.0.0.1:{port}/write"
    agent.stop()


def test_markers_go_through_vmagent_which_adds_its_labels(start_service, shared_victoria_metrics, vmagent):
    service = start_service(shared_victoria_metrics.url, VM_WRITE_URL=vmagent)
    started = service.post("/api/event/start", system_id="rig_01", event_id="by vmagent")
    ended = service.post("/api/event/end", system_id="rig_01")

    wait_until(lambda: service.get("/health")["outbox_waiting"] == 0, 30, "both markers read back")
    expected = [("rig_01", started["ts"] // MS, 1), ("rig_01", ended["ts"] // MS, 0)]
    assert sorted(set(markers(shared_victoria_metrics, "by vmagent"))) == expected
    found = shared_victoria_metrics.export('ovr_event_active{event_id="by vmagent"}', time.time() - 60, time.time())
    assert {(one["metric"]["node_id"], one["metric"]["deployment_id"]) for one in found} == {("box1", "site1")}


def test_an_active_event_goes_on_beating(start_service, shared_victoria_metrics):
    service = start_service(shared_victoria_metrics.url)
    started = service.post("/api/event/start", system_id="rig_01", event_id="beating")["ts"] // MS

    wait_until(lambda: len(markers(shared_victoria_metrics, "beating")) >= 3, 40, "two heartbeats")
    times = [ms for _, ms, _ in markers(shared_victoria_metrics, "beating")]

    assert times[0] == started
    assert all(9_900 <= later - earlier <= 30_000 for earlier, later in pairwise(times))


def test_slow_clients_do_not_keep_others_out(start_service):
    service = start_service()
    half = b"POST /api/note HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(40)]
    for number, one in enumerate(slow):
        one.sendall(half if number % 2 else half[:40])

    assert service.post("/api/note", system_id="rig_01", msg="still here")["success"]
    for one in slow:
        one.close()


# kill -9 --------------------------------------------------------------------------------------------------------------


def write_until_killed(service: EventService, number: int, acknowledged: list[dict]) -> None:
    """Start, note and end one event after another; what was answered is added with its path."""
    try:
        for count in range(10_000):
            event = f"event {number}.{count}"
            for path, more in (("event/start", {}), ("note", {"msg": f"note of {event}"}), ("event/end", {})):
                body = {"system_id": f"rig {number}", "event_id": event, **more}
                acknowledged.append({"path": path, **service.post(f"/api/{path}", **body)})
    except (OSError, HTTPException, ValueError):  # the service was killed in the middle of an answer
        pass


def missing(folder, acknowledged: list[dict]) -> list[dict]:
    """Acknowledged writes that the database does not hold, each with its marker where it has one."""
    with closing(sqlite3.connect(folder / "events.db")) as db:
        notes = {row[0] for row in db.execute("SELECT note FROM audit_log WHERE action = 'note'")}
        starts = set(db.execute("SELECT event_id, start_ns FROM run"))
        ends = set(db.execute("SELECT event_id, end_ns FROM run WHERE end_ns IS NOT NULL"))
        queued = set(db.execute("SELECT event_id, active FROM outbox"))
    held = {
        "note": lambda one: one["msg"] in notes,
        "event/start": lambda one: (one["event_id"], one["ts"]) in starts and (one["event_id"], 1) in queued,
        "event/end": lambda one: (one["event_id"], one["ts"]) in ends and (one["event_id"], 0) in queued,
    }
    return [one for one in acknowledged if not held[one["path"]](one)]


def kill_again_and_again(service: EventService, kills: int, seed: int) -> list[dict]:
    pauses = random.Random(seed)
    acknowledged: list[dict] = []
    for number in range(kills):
        answers: list[dict] = []
        writer = threading.Thread(target=write_until_killed, args=(service, number, answers))
        writer.start()
        wait_until(answers.copy, 20, "a first answer")
        time.sleep(pauses.uniform(0, 0.3))
        service.kill()
        writer.join()
        service.launch()
        acknowledged += answers
    return acknowledged


@pytest.mark.parametrize("kills", [pytest.param(4, id="a few"), pytest.param(200, id="many", marks=pytest.mark.soak)])
def test_no_acknowledged_write_is_lost_by_kill_9(start_service, tmp_path, kills):
    service = start_service()

    acknowledged = kill_again_and_again(service, kills, seed=kills)

    assert len(acknowledged) >= kills
    assert missing(tmp_path, acknowledged) == []


def test_the_check_for_lost_writes_sees_one(start_service, tmp_path):
    start_service().post("/api/note", system_id="rig_01", msg="kept")

    lost = [{"path": "note", "msg": "never written"}, {"path": "event/end", "event_id": "e", "ts": 1}]
    assert missing(tmp_path, [{"path": "note", "msg": "kept"}, *lost]) == lost
