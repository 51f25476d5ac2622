"""The supervisor starts what crashed or hangs, and leaves alone what was stopped by hand."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.parts.process import Process, wait_until
from tests.unit.ansible.play import REPO

PROGRAM = REPO / "roles" / "stack" / "files" / "supervise.py"


@pytest.fixture(scope="session")
def supervise():
    spec = importlib.util.spec_from_file_location("supervise", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    sys.modules["supervise"] = module
    spec.loader.exec_module(module)
    return module


UNHEALTHY, HEALTHY = "health_status: unhealthy", "health_status: healthy"

# id: (events of a container as (second, event), when it is due to be started; None where never)
STORIES = {
    "runs": ([(0, "start")], None),
    "crashed": ([(0, "start"), (100, "die")], 101),
    "crashed and came back": ([(0, "start"), (100, "die"), (101, "start")], None),
    "stopped by hand": ([(0, "start"), (100, "stop"), (100, "die")], None),
    "stopped by hand, told the other way round": ([(0, "start"), (100, "die"), (100.1, "stop")], None),
    "removed": ([(0, "start"), (100, "die"), (100.1, "destroy")], None),
    "stopped, started, crashed": ([(0, "stop"), (0, "die"), (5, "start"), (100, "die")], 101),
    "crashes at once, twice": ([(0, "start"), (1, "die"), (2, "start"), (3, "die")], 5),
    "crashes at once, three times": (
        [(0, "start"), (1, "die"), (2, "start"), (3, "die"), (5, "start"), (6, "die")],
        10,
    ),
    "crashed again after a good minute": ([(0, "start"), (1, "die"), (2, "start"), (70, "die")], 71),
    "crashed at once before the supervisor came": ([(1, "die")], 2),
    "hangs": ([(0, "start"), (100, UNHEALTHY)], 160),
    "hung and came back by itself": ([(0, "start"), (100, UNHEALTHY), (130, HEALTHY)], None),
    "hangs and crashes": ([(0, "start"), (100, UNHEALTHY), (110, "die")], 111),
    "hangs and is stopped by hand": ([(0, "start"), (100, UNHEALTHY), (110, "stop"), (110, "die")], None),
    "becomes healthy after its start": ([(0, "start"), (2, HEALTHY)], None),
    "hangs the third time in an hour": (
        [(0, "start"), (100, UNHEALTHY), (160, "start"), (200, UNHEALTHY), (260, "start"), (300, UNHEALTHY)],
        360,
    ),
    "hangs the fourth time in an hour": (
        [
            (0, "start"),
            *((100, UNHEALTHY), (160, "start"), (200, UNHEALTHY), (260, "start"), (300, UNHEALTHY), (360, "start")),
            (400, UNHEALTHY),
        ],
        None,
    ),
    "hangs the fourth time, an hour later": (
        [
            (0, "start"),
            *((100, UNHEALTHY), (160, "start"), (200, UNHEALTHY), (260, "start"), (300, UNHEALTHY), (360, "start")),
            (3800, UNHEALTHY),
        ],
        3860,
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_when_a_container_is_started(supervise, story):
    events, expected = STORIES[story]
    part = supervise.Part()
    for now, event in events:
        part = supervise.after(part, event, now)

    assert part.due == expected


def test_the_delay_stays_bounded_after_a_day_of_failures(supervise):
    assert [supervise.delay(failures) for failures in (1, 2, 3, 6, 7, 5000)] == [1, 2, 4, 32, 32, 32]


def test_the_loop_sleeps_until_the_next_start(supervise):
    parts = {"a": supervise.Part(due=12), "b": supervise.Part(due=7), "c": supervise.Part()}

    assert supervise.pause(parts, 5) == 2
    assert supervise.pause(parts, 20) == 0
    assert supervise.pause({"c": supervise.Part()}, 5) is None
    assert supervise.due(parts, 7) == ["b"]


# Stands for the engine: notes each call, and tells the events that a test writes into a file.
DOCKER = """#!/bin/sh
cd "$(dirname "$0")"
case $1 in
events) exec tail -n +1 -s 0.05 -F events ;;
*) echo "$*" >>calls; [ ! -e broken ] ;;
esac
"""
UP = "compose --progress=plain up --detach --pull=never --no-build"


class Engine:
    """A `docker` on PATH for one supervisor."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "docker").write_text(DOCKER)
        (folder / "docker").chmod(0o755)
        (folder / "events").touch()
        (folder / "calls").touch()

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def tell(self, name: str, *actions: str) -> None:
        with (self.folder / "events").open("a") as events:
            for action in actions:
                events.write(f'{{"Action": "{action}", "Actor": {{"Attributes": {{"name": "{name}"}}}}}}\n')

    def wait_for(self, *calls: str) -> None:
        wait_until(lambda: self.calls == list(calls), 10, f"{calls}, not {self.calls}")


@pytest.fixture
def engine(tmp_path):
    return Engine(tmp_path)


@pytest.fixture
def start(engine):
    """Start a supervisor on the engine; ended after the test."""
    started = []

    def start() -> Process:
        path = f"{engine.folder}:{os.environ['PATH']}"
        started.append(Process([sys.executable, "-u", PROGRAM], engine.folder / "log", env={"PATH": path}))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def test_the_project_is_brought_up_and_a_crash_is_followed_by_a_start(engine, start):
    start()
    engine.wait_for(UP)
    engine.tell("vmagent", "die")

    engine.wait_for(UP, "restart -t 10 vmagent")


def test_a_container_stopped_by_hand_stays_stopped_beside_one_that_crashed(engine, start):
    start()
    engine.wait_for(UP)
    engine.tell("telegraf", "stop", "die")
    engine.tell("vmagent", "die")

    engine.wait_for(UP, "restart -t 10 vmagent")


def test_a_project_that_did_not_come_up_is_tried_again(engine, start):
    (engine.folder / "broken").touch()
    supervisor = start()
    wait_until(lambda: len(engine.calls) >= 2, 10, "a second try")
    (engine.folder / "broken").unlink()

    assert set(engine.calls) == {UP}
    assert supervisor.child.poll() is None


def test_the_end_of_the_unit_stops_the_containers(engine, start):
    supervisor = start()
    engine.wait_for(UP)
    supervisor.signal(signal.SIGTERM)

    assert supervisor.child.wait(10) == 0
    engine.wait_for(UP, "compose --progress=plain stop")


def test_a_reload_takes_over_without_stopping_anything(engine, start):
    supervisor = start()
    engine.wait_for(UP)
    supervisor.signal(signal.SIGHUP)
    engine.wait_for(UP, UP)
    engine.tell("vmagent", "start", "die")

    engine.wait_for(UP, UP, "restart -t 10 vmagent")


def test_the_end_of_the_events_ends_the_program_for_systemd_to_start_it_again(engine, start):
    supervisor = start()
    engine.wait_for(UP)
    (listener,) = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text().split()
    os.kill(int(listener), signal.SIGKILL)

    assert supervisor.child.wait(10) == 1
    assert "compose --progress=plain stop" not in engine.calls
