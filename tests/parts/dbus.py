"""A real private dbus-daemon that is the system bus of whoever is given its address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.process import Process

REPO = Path(__file__).parents[2]
GX_CONFIG = REPO / "simulators" / "gx" / "image" / "system-bus.conf"
GX_SOCKET = "/run/dbus/system_bus_socket"
# The interpreter that Debian's python3-dbus and python3-gi belong to; the tests' own has neither.
PYTHON = "/usr/bin/python3"


class Bus(Process):
    """A running bus: `address` for an option, `env` for a program that uses the default system bus."""

    def __init__(self, folder: Path):
        socket = folder / "bus.sock"
        config = folder / "bus.conf"
        config.write_text(GX_CONFIG.read_text().replace(GX_SOCKET, str(socket)))
        self.address = f"unix:path={socket}"
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.address}
        super().__init__(["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"], folder / "bus.log")
        self.wait_ready(socket.exists)


@contextmanager
def system_bus(folder: Path) -> Iterator[Bus]:
    """A bus with the policy and limits of a GX, its socket in `folder`; ended on leaving."""
    bus = Bus(folder)
    try:
        yield bus
    finally:
        bus.stop()
