"""A child process with a log, a readiness wait and a sure end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path


def _ports_of_no_connection() -> Iterator[int]:
    """Ports in random order that the kernel gives to no outgoing connection, each once."""
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    yield from random.sample(range(10_000, first_outgoing), first_outgoing - 10_000)


_ports = _ports_of_no_connection()


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on, and that no connection of another test takes before it is used."""
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise RuntimeError(f"no free port on {host}")


def wait_until(ready: Callable[[], object], seconds: float, what: str, every: float = 0.05):
    """Return the first truthy answer of `ready`; TimeoutError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ready()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)


def http_ok(url: str, timeout: float = 2.0) -> bool:
    """Whether a GET of the address answers 2xx."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            return 200 <= reply.status < 300
    except (urllib.error.URLError, OSError):
        return False


class Process:
    """A started program. `log` holds its output; `stop` ends it, `kill` kills it."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str] | None = None, cwd: Path | None = None):
        self.command = [str(word) for word in command]
        self.log = log
        with log.open("ab") as output:
            self.child = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
                cwd=cwd,
            )

    @property
    def pid(self) -> int:
        return self.child.pid

    def wait_ready(self, ready: Callable[[], object], seconds: float = 15.0) -> Process:
        """Wait until `ready` answers; raises with the end of the log if the program ended instead."""

        def probe():
            if self.child.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended with {self.child.returncode}:\n{self.tail()}")
            return ready()

        wait_until(probe, seconds, f"{self.command[0]} ready (log: {self.log})")
        return self

    def tail(self, size: int = 2000) -> str:
        return self.log.read_bytes()[-size:].decode(errors="replace")

    def signal(self, number: int) -> None:
        self.child.send_signal(number)

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def stop(self, seconds: float = 10.0) -> None:
        """SIGTERM, then SIGKILL when that was not enough."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
