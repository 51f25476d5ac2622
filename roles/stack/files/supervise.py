#!/usr/bin/env python3
"""Start the compose project of the current folder, and start again what crashed or hangs.

    docker compose up  →  docker events  →  decide  →  docker restart

The containers have `restart: "no"`: dockerd would start them before the data disk is mounted. This program runs as
ovr-stack.service, which systemd starts behind the mount. A container that was stopped by hand stays stopped.

SIGTERM stops the containers and ends; SIGHUP runs this file anew and leaves the containers alone.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace

PROJECT = "stack"
DELAY_S, DOUBLINGS = 1.0, 5
STABLE_S = 60.0
HUNG_S = 60.0
HUNG_PER_HOUR = 3


@dataclass(frozen=True)
class Part:
    """A container as far as its next start is concerned. Times are monotonic seconds.

    due: when it is to be started or restarted; None while there is nothing to do.
    stopped: it was stopped by hand and not started since.
    hung: when it was last found hung, for the last hour.
    """

    failures: int = 0
    started: float | None = None
    due: float | None = None
    stopped: bool = False
    hung: tuple[float, ...] = ()


def after(part: Part, event: str, now: float) -> Part:
    """Return the container after one event of the engine.

    `docker stop` is told from a crash by the event `stop`. It comes a few ms before or after `die`, well within the
    shortest delay.
    """
    if event == "start":
        return replace(part, started=now, due=None, stopped=False)
    if event == "die" and not part.stopped:
        stable = part.started is not None and now - part.started >= STABLE_S
        failures = 1 if stable else part.failures + 1
        return replace(part, failures=failures, due=now + delay(failures))
    if event in ("stop", "destroy"):
        return replace(part, failures=0, due=None, stopped=True)
    if event == "health_status: unhealthy":
        recent = tuple(at for at in part.hung if now - at < 3600)
        if len(recent) >= HUNG_PER_HOUR:
            return replace(part, hung=recent)
        return replace(part, hung=(*recent, now), due=now + HUNG_S)
    if event == "health_status: healthy" and part.due is not None:
        return replace(part, hung=part.hung[:-1], due=None)
    return part


def delay(failures: int) -> float:
    """Return how many seconds to wait before the next start after so many failures in a row: 1, 2, 4, … 32."""
    return DELAY_S * 2 ** min(failures - 1, DOUBLINGS)


def due(parts: dict[str, Part], now: float) -> list[str]:
    """Return the names whose time has come."""
    return [name for name, part in parts.items() if part.due is not None and part.due <= now]


def pause(parts: dict[str, Part], now: float) -> float | None:
    """Return the seconds until the next start, None where none is planned."""
    return min((max(part.due - now, 0) for part in parts.values() if part.due is not None), default=None)


def main() -> int:
    arrivals: queue.SimpleQueue = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: arrivals.put(signal.Signals(received).name))
    told = follow(arrivals)
    ended = watch(arrivals)
    told.kill()
    if ended == "SIGHUP":
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    if ended == "SIGTERM":
        return 0 if compose("stop") else 1
    print("the engine's events ended; systemd starts this program again", flush=True)
    return 1


def watch(arrivals: queue.SimpleQueue) -> str:
    """Start what is to be started until a signal or the end of the events arrives; return which."""
    # The project is a part like its containers: up at once, and again after a delay where that failed.
    parts = {PROJECT: Part(due=time.monotonic())}
    while True:
        try:
            arrival = arrivals.get(timeout=pause(parts, time.monotonic()))
        except queue.Empty:
            for name in due(parts, time.monotonic()):
                outcome = "start" if start(name) else "die"
                parts[name] = after(parts[name], outcome, time.monotonic())
            continue
        if isinstance(arrival, str):
            return arrival
        name, event = arrival
        parts[name] = after(parts.get(name, Part()), event, time.monotonic())


def follow(arrivals: queue.SimpleQueue) -> subprocess.Popen:
    """Put (container, event) of the project into the queue as the engine tells them, "end" when it stops telling.

    Returns the process that listens.
    """
    told = subprocess.Popen(
        [
            "docker", "events", "--format={{json .}}", f"--since={int(time.time())}", "--filter=type=container",
            f"--filter=label=com.docker.compose.project={PROJECT}", "--filter=label=com.docker.compose.oneoff=False",
            *(f"--filter=event={name}" for name in ("start", "die", "stop", "destroy", "health_status")),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip

    def read() -> None:
        for line in told.stdout:
            seen = json.loads(line)
            arrivals.put((seen["Actor"]["Attributes"]["name"], seen["Action"]))
        arrivals.put("end")

    threading.Thread(target=read, daemon=True).start()
    return told


def start(name: str) -> bool:
    """Start a container, or the project where it has its name; return whether that worked."""
    print(f"starting {name}", flush=True)
    if name == PROJECT:
        return compose("up", "--detach", "--pull=never", "--no-build")
    return succeeds("docker", "restart", "-t", "10", name)


def compose(*words: str) -> bool:
    return succeeds("docker", "compose", "--progress=plain", *words)


def succeeds(*words: str) -> bool:
    return subprocess.run(words, stdin=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
