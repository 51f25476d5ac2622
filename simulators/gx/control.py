"""Faults on demand: a unix socket that takes one command and gives one line back.

    python -m simulators.gx.control SOCKET COMMAND

`list` names the services; `drop SERVICE` takes one off the bus and `restore SERVICE` brings it back under a new
unique name; `freeze SERVICE` stops its readings and `thaw SERVICE` resumes them; `invalidate SERVICE PATH` makes a
path invalid and `validate SERVICE PATH` valid again.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.gx.service import Service


class Control:
    """Carries out commands on the services, by bus name."""

    def __init__(self, services: dict[str, Service]):
        self._services = services

    def answer(self, line: str) -> str:
        """Do what one line says; the answer starts with `ok` or `error`."""
        match line.split():
            case ["list"]:
                return " ".join(["ok", *self._services])
            case [verb, name, *path] if name in self._services:
                return self._act(verb, self._services[name], path)
            case _:
                return f"error: {line.strip()!r} names no service: `list` gives their names"

    def _act(self, verb: str, service: Service, path: list[str]) -> str:
        match verb, path:
            case "drop" | "restore" | "freeze" | "thaw", []:
                getattr(service, verb)()
            case "invalidate" | "validate", [name] if name in service.device.items:
                getattr(service, verb)(name)
            case _:
                return f"error: {' '.join([verb, service.device.name, *path])!r} is no command of this service"
        return "ok"


def listen(path: str, control: Control) -> None:
    """Serve the socket from GLib's loop."""
    from gi.repository import GLib

    Path(path).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()

    def accept(*_) -> bool:
        connection, _address = server.accept()
        with connection:
            connection.settimeout(1)
            try:
                connection.sendall((control.answer(connection.recv(4096).decode()) + "\n").encode())
            except OSError as error:
                print(f"control: {error}", file=sys.stderr)
        return GLib.SOURCE_CONTINUE

    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, server.fileno(), GLib.IOCondition.IN, accept)


def ask(path: str, command: str) -> str:
    """Send one command to a running simulator and return its answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(path)
        connection.sendall((command + "\n").encode())
        return connection.recv(4096).decode().strip()


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    answer = ask(sys.argv[1], " ".join(sys.argv[2:]))
    print(answer)
    return 0 if answer.startswith("ok") else 1


if __name__ == "__main__":
    sys.exit(main())
