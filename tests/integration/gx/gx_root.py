"""The folders of a GX in a scratch root, with the real daemontools on its /service and a crontab of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.integration.gx.rig import dbus_env
from tests.parts.process import Process, free_port, http_ok
from tests.unit.gx.exporter import FOLDER

CRONTAB = """#!/bin/sh
case $1 in
-l) cat "{file}" 2>/dev/null || { echo "no crontab for root" >&2; exit 1; } ;;
-r) rm "{file}" ;;
*) cat >"{file}" ;;
esac
"""


# daemontools has its own of these; `init` would be nonsense.
NOT_BUSYBOX = ("svc", "svok", "init")


class GxRoot:
    """`path` is the root; `env` makes scripts take it for the root of a GX, whose commands are busybox's."""

    def __init__(self, path: Path, bus):
        self.path = path
        self.home = path / "data" / "dbus2prom"
        self.crontab = path / "crontab"
        self.ports = {"fast": free_port(), "slow": free_port()}
        for folder in ("data", "service", "run", "var/log", "bin"):
            (path / folder).mkdir(parents=True)
        for applet in subprocess.check_output(["busybox", "--list"], text=True).split():
            if applet not in NOT_BUSYBOX:
                (path / "bin" / applet).symlink_to(shutil.which("busybox"))
        command = path / "bin" / "crontab"
        command.unlink(missing_ok=True)
        command.write_text(CRONTAB.replace("{file}", str(self.crontab)))
        command.chmod(0o755)
        env = dbus_env(bus)
        self.env = {**env, "ROOT": str(path), "PATH": f"{path}/bin:{env['PATH']}", "START_S": "8"}
        self.svscan: Process | None = None

    def copy_files(self) -> None:
        """Lay the shipped files into /data/dbus2prom, on ports of the test."""
        shutil.copytree(FOLDER, self.home)
        settings = f"FAST_PORT={self.ports['fast']}\nSLOW_PORT={self.ports['slow']}\nLISTEN=127.0.0.1\n"
        (self.home / "settings.sh").write_text(settings)

    def start_svscan(self) -> None:
        self.svscan = Process(["svscan", self.path / "service"], self.path / "svscan.log", self.env)

    def script(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        """Run one of the scripts with busybox's shell, as a GX does."""
        command = ["busybox", "sh", self.home / name, *arguments]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=90, check=False)

    def start_script(self, name: str) -> Process:
        return Process(["busybox", "sh", self.home / name], self.path / f"{name}.log", self.env)

    def healthy(self, *views: str) -> bool:
        """Whether exactly these ports answer."""
        answers = {view for view, port in self.ports.items() if http_ok(f"http://127.0.0.1:{port}/-/healthy")}
        return answers == set(views)

    def watchdog_rests(self) -> bool:
        """Whether no watchdog is at work."""
        with (self.path / "run" / "dbus2prom" / "watchdog.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def exporters(self) -> list[int]:
        """Process ids of the exporters that run from here."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].startswith(b"python3") and f"{self.home}/dbus2prom.py".encode() in words:
                found.append(int(entry.parent.name))
        return found

    def stop(self) -> None:
        """End what runs from here: the supervisor first, then what it kept alive."""
        subprocess.run(["sh", self.home / "arm.sh", "off"], env=self.env, capture_output=True, timeout=60, check=False)
        if self.svscan:
            self.svscan.stop()
        for pid in self.exporters():
            os.kill(pid, signal.SIGKILL)
