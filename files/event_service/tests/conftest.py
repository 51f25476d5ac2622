"""A service with a clock of the test's own, its HTTP client, and the whole program as a process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from event_service import config
from event_service.api import create_app
from event_service.clock import SECOND
from event_service.service import Service

# 2026-11-24T06:30:00.123456789Z
NOW = 1_795_501_800_123_456_789


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now_ns: int = NOW

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> int:
        self.now_ns += round(seconds * SECOND)
        return self.now_ns


@dataclass
class Api:
    """Calls of the service's HTTP side; `status` and JSON of each reply."""

    service: Service
    clock: Clock
    headers: dict = field(default_factory=dict)

    def __post_init__(self):
        self.client = create_app(self.service).test_client()

    def post(self, path: str, headers: dict | None = None, **body):
        text = json.dumps(body)  # ASCII: half a surrogate pair travels as \\ud800, as a client may send it
        sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        reply = self.client.post(path, data=text, headers=sent)
        return reply.status_code, reply.get_json()

    def get(self, path: str):
        reply = self.client.get(path, headers=self.headers)
        return reply.status_code, reply.get_json()

    def done(self, path: str, **body):
        """A write that must succeed; its reply."""
        status, reply = self.post(path, **body)
        assert status == 200, reply
        return reply

    def rows(self, statement: str, *values) -> list[tuple]:
        """What the database itself holds."""
        with self.service.store.read() as db:
            return [tuple(row) for row in db.execute(statement, values)]


@pytest.fixture
def environment(tmp_path):
    """The settings of a service alone: nothing answers at VictoriaMetrics' address."""
    return {
        "DB_PATH": str(tmp_path / "events.db"),
        "VM_WRITE_URL": "http://127.0.0.1:9/write",
        "VM_QUERY_URL": "http://127.0.0.1:9",
        "NODE_ID": "box1",
        "REPORT_BASE_URL": "http://box",
    }


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_service(environment, clock):
    """A service as the tests' environment has it, workers not started."""
    made = []

    def make(**settings) -> Service:
        service = Service.build(config.load({**environment, **settings}))
        service.clock = service.outbox.clock = service.jobs.clock = clock
        tokens = iter(f"{number:06x}" for number in range(1000))
        service.token = lambda: next(tokens)
        made.append(service)
        return service

    yield make
    for service in made:
        service.store.close()


@pytest.fixture
def make_api(make_service, clock):
    """The HTTP side of a service with settings of the test's own."""
    return lambda **settings: Api(make_service(**settings), clock)


@pytest.fixture
def api(make_api):
    return make_api()
