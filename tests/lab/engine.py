"""The Docker engine: the machine's where one answers, else one of our own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.lab import cache
from tests.lab.lock import locked
from tests.lab.progress import step
from tests.lab.shell import apt_install, run, succeeds
from tests.parts.process import wait_until

PID_FILE = Path("/run/ovr-lab/dockerd.pid")
FILTER_BEFORE = Path("/run/ovr-lab/iptables.before")

# systemd in a container needs cgroup v2. Where the machine still has v1, our dockerd lives in a mount namespace
# of its own in which /sys/fs/cgroup is the v2 tree.
OWN_CGROUP2 = "umount -l /sys/fs/cgroup/* 2>/dev/null; umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"


def docker(*words: object, stdin: bytes | None = None) -> str:
    """Run the Docker client and return what it prints."""
    return run("docker", *words, stdin=stdin)


def ensure() -> None:
    """Return once an engine answers; installs and starts one where none does."""
    if answers():
        return
    with locked("engine"):
        if answers():
            return
        if not shutil.which("dockerd"):
            with step("install Docker from Debian's packages"):
                apt_install(["docker.io", "iptables", *_client_package()])
        with step("start a Docker engine"):
            _start()


def answers() -> bool:
    """Whether `docker info` reaches an engine."""
    return succeeds("docker", "info", "--format", "{{.ServerVersion}}")


def stop() -> None:
    """End the engine that `ensure` started here, with its bridge and packet filter; leaves any other alone."""
    if not started_here():
        return
    pid = int(PID_FILE.read_text())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 30, "dockerd to end")
    PID_FILE.unlink(missing_ok=True)
    if succeeds("ip", "link", "show", "docker0"):
        run("ip", "link", "delete", "docker0")
    if FILTER_BEFORE.exists():
        run("iptables-restore", stdin=FILTER_BEFORE.read_bytes())


def started_here() -> bool:
    """Whether the running engine is one that the lab started."""
    return PID_FILE.exists() and Path(f"/proc/{PID_FILE.read_text().strip()}").exists()


def _client_package() -> list[str]:
    # Debian 13 has the client in a package of its own; Debian 12 ships it inside docker.io.
    return ["docker-cli"] if succeeds("apt-cache", "show", "docker-cli") else []


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        run("systemctl", "start", "docker")
    else:
        log = cache.root() / "dockerd.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        PID_FILE.parent.mkdir(parents=True, exist_ok=True)
        PID_FILE.unlink(missing_ok=True)
        FILTER_BEFORE.write_text(run("iptables-save") + "\n")
        prepare = "" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else OWN_CGROUP2 + "; "
        with log.open("ab") as output:
            subprocess.Popen(
                [
                    "unshare",
                    "-m",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    f"{prepare}exec dockerd --pidfile {PID_FILE}",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
    wait_until(answers, 60, "docker info", every=0.3)
