"""stack_health.sh says of each part of the box whether it is well."""

from __future__ import annotations

import http.server
import importlib.util
import json
import sys
import threading
from pathlib import Path

import pytest

from tests.unit.ansible.play import REPO

ROWS = [
    {"Service": "vmagent", "State": "running", "Health": "healthy", "Status": "Up 2 days (healthy)"},
    {"Service": "telegraf", "State": "running", "Health": "unhealthy", "Status": "Up 2 days (unhealthy)"},
    {"Service": "event-service", "State": "exited", "Health": "", "Status": "Exited (1) 3 minutes ago"},
]
TARGETS = [
    {"labels": {"job": "telegraf"}, "health": "up", "scrapeUrl": "http://telegraf:9273/metrics", "lastError": ""},
    {
        "labels": {"job": "gx_fast"},
        "health": "down",
        "scrapeUrl": "http://192.168.100.2:9480/metrics",
        "lastError": "connection refused",
    },
]


@pytest.fixture
def health(monkeypatch, tmp_path):
    """The program, beside an engine that lists three of four services."""
    spec = importlib.util.spec_from_file_location(
        "stack_health", REPO / "roles" / "stack" / "files" / "stack_health.py"
    )
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "stack_health", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "STACK", tmp_path)
    services = "vmagent\\ntelegraf\\nevent-service\\nvictoria-metrics"
    (tmp_path / "rows").write_text("\n".join(map(json.dumps, ROWS)))
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n[ $2 = config ] && printf '{services}\\n' || cat rows\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return module


@pytest.fixture
def vmagent(health, monkeypatch):
    """A vmagent that answers with TARGETS."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": {"activeTargets": TARGETS}}).encode())

        def log_message(self, *_):
            """Stay silent."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(health, "TARGETS", f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()


def lines(parts) -> list[tuple[str, bool, str]]:
    return [(part.part, part.ok, part.say) for part in parts]


def test_a_disk_that_is_not_mounted_is_named(health, tmp_path):
    assert lines(health.disk(tmp_path)) == [("disk", False, f"nothing is mounted at {tmp_path}")]


def test_a_disk_that_takes_no_write_is_not_well(health):
    """/proc is mounted and lets nobody make a file."""
    ((part, ok, say),) = lines(health.disk(Path("/proc")))

    assert (part, ok) == ("disk", False)
    assert say.startswith("/proc takes no write")


def test_a_disk_that_takes_a_write_is_well_and_keeps_no_trace(health):
    ((_, ok, say),) = lines(health.disk(Path("/dev/shm")))

    assert ok
    assert "GB free" in say
    assert not Path("/dev/shm/.health").exists()


def test_every_service_is_named_with_its_state(health):
    assert lines(health.containers()) == [
        ("container event-service", False, "exited Exited (1) 3 minutes ago"),
        ("container telegraf", False, "unhealthy Up 2 days (unhealthy)"),
        ("container victoria-metrics", False, "missing"),
        ("container vmagent", True, "healthy Up 2 days (healthy)"),
    ]


def test_an_engine_that_does_not_answer_is_named(health, tmp_path):
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    ((part, ok, say),) = lines(health.containers())

    assert (part, ok) == ("containers", False)
    assert say.startswith("docker does not answer")


@pytest.mark.usefixtures("vmagent")
def test_every_target_is_named_and_a_dead_one_says_why(health):
    assert lines(health.targets()) == [
        ("target gx_fast", False, "http://192.168.100.2:9480/metrics: connection refused"),
        ("target telegraf", True, "http://telegraf:9273/metrics"),
    ]


def test_a_vmagent_that_does_not_answer_is_named(health, monkeypatch):
    monkeypatch.setattr(health, "TARGETS", "http://127.0.0.1:1/")
    ((part, ok, say),) = lines(health.targets())

    assert (part, ok) == ("targets", False)
    assert say.startswith("vmagent does not answer")
