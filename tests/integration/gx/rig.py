"""A private bus with fake services on it, and the real exporter beside it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path

from tests.parts import dbus
from tests.parts.process import Process, free_port, wait_until
from tests.unit.gx.exporter import MAPS, PROGRAM, samples

PREFIX = "com.victronenergy."


class Services:
    """Fake services in a process of their own, told by `add`, `set` and `drop`."""

    def __init__(self, bus: dbus.Bus):
        self.child = subprocess.Popen(
            [dbus.PYTHON, Path(__file__).with_name("fake_services.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**dbus_env(bus)},
        )

    def add(self, name: str, values: dict, answers: tuple[str, ...] = ("GetItems", "GetValue")) -> None:
        self._do(do="add", service=PREFIX + name, values=values, answers=answers)

    def set(self, name: str, values: dict, signal: str | None = "ItemsChanged") -> None:
        self._do(do="set", service=PREFIX + name, values=values, signal=signal)

    def drop(self, name: str) -> None:
        self._do(do="drop", service=PREFIX + name)

    def _do(self, **order) -> None:
        self.child.stdin.write(json.dumps(order) + "\n")
        self.child.stdin.flush()
        assert self.child.stdout.readline() == "ok\n", order

    def stop(self) -> None:
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


def dbus_env(bus: dbus.Bus) -> dict[str, str]:
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **bus.env}


class Exporter(Process):
    """The exporter with the shipped maps on free ports of loopback; how loaded this machine is does not matter."""

    def __init__(self, bus: dbus.Bus, folder: Path, load_limits: str = "999,999", maps: dict[str, Path] = MAPS):
        self.ports = {name: free_port() for name in maps}
        views = [word for name, port in self.ports.items() for word in (f"--{name}", f"{maps[name]}:{port}")]
        command = [dbus.PYTHON, PROGRAM, *views, "--listen", "127.0.0.1", "--bus", bus.address]
        command += ["--load-limits", load_limits]
        super().__init__(command, folder / "dbus2prom.log")
        self.wait_ready(lambda: "serving on" in self.tail())

    def url(self, path: str = "/metrics", view: str = "fast") -> str:
        return f"http://127.0.0.1:{self.ports[view]}{path}"

    def scrape(self, view: str = "fast") -> dict:
        """Every series by (metric, labels)."""
        with urllib.request.urlopen(self.url(view=view), timeout=60) as reply:
            return samples(reply.read().decode())

    def value(self, metric: str, view: str = "fast", **labels: str) -> float | None:
        """The value of the one series of this metric with these labels, or None."""
        found = [
            value
            for (name, have), value in self.scrape(view).items()
            if name == metric and labels.items() <= dict(have).items()
        ]
        assert len(found) < 2, f"{metric} {labels} is not one series"
        return found[0] if found else None

    def wait_value(self, expected: float | None, metric: str, seconds: float = 90.0, view: str = "fast", **labels: str):
        wait_until(lambda: self.value(metric, view, **labels) == expected, seconds, f"{metric} {labels} is {expected}")
