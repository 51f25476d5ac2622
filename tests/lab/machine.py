"""A container that stands for a machine: a Debian 13 box that boots systemd, a GX, a meter."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.lab.engine import docker
from tests.lab.shell import run, succeeds
from tests.parts.process import wait_until

LABEL = "ovr.lab"

# `--privileged` asks for capabilities that a machine without CAP_SYS_RESOURCE cannot give; these are what systemd,
# Docker inside and NetworkManager need.
SYSTEMD_OPTIONS = (
    *(
        f"--cap-add={name}"
        for name in (
            *("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "SYSLOG"),
            *("DAC_READ_SEARCH", "AUDIT_WRITE", "MKNOD", "SYS_CHROOT"),
        )
    ),
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--cgroupns=private",
    "--tmpfs=/run:exec",
    "--tmpfs=/run/lock",
    "--tmpfs=/tmp:exec",
    "--stop-signal=SIGRTMIN+3",
)
# Docker inside needs both stores on a real file system.
DOCKER_INSIDE = ("--volume=/var/lib/docker", "--volume=/var/lib/containerd")


@dataclass(frozen=True)
class Machine:
    """One container by name; `lab` is written on it, so that clean-up finds its own."""

    name: str
    lab: str

    def start(self, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
        """Create it or, where it exists with the same image and options, start it again."""
        wanted = json.dumps([image, options, command])
        if self.exists():
            if self.label("ovr.lab.options") == wanted:
                docker("start", self.name)
                return
            self.remove()
        self._create(wanted, *options, image, *command)

    def renew(self, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
        """Give it the root file system of an image afresh, as new firmware does; its volumes stay what they are."""
        old = Machine(f"{self.name}-old", self.lab)
        docker("rename", self.name, old.name)
        self._create(json.dumps([image, options, command]), f"--volumes-from={old.name}", *options, image, *command)
        docker("rm", "--force", old.name)

    def exists(self) -> bool:
        return succeeds("docker", "container", "inspect", self.name)

    @property
    def pid(self) -> int:
        """The process id of its init on this machine; 0 while it is down."""
        return int(docker("container", "inspect", "--format", "{{.State.Pid}}", self.name))

    def run(self, *words: object, stdin: bytes | None = None) -> str:
        """Run a command inside (for the lab's own administration; tests and plays come by SSH)."""
        interactive = ["-i"] if stdin is not None else []
        return docker("exec", *interactive, self.name, *words, stdin=stdin)

    def ip(self, *words: object) -> str:
        """Run `ip` of this machine in the network namespace of the container."""
        return run("nsenter", "-t", self.pid, "-n", "ip", *words)

    def kill(self) -> None:
        """A power cut: every process of the container ends at once.

        The init is killed by its process id: `docker kill` would count as a stop by hand.
        """
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}").exists() and self.pid == 0, 30, f"{self.name} to be down")

    def power_on(self) -> None:
        docker("start", self.name)

    def published(self, port: int) -> str:
        """Where a port of the container answers on this machine, as host:port."""
        return docker("port", self.name, f"{port}/tcp").splitlines()[0]

    def remove(self) -> None:
        """Remove the container with its volumes."""
        docker("rm", "--force", "--volumes", self.name)

    def _create(self, wanted: str, *words: str) -> None:
        docker(
            "run", "--detach", f"--name={self.name}", f"--hostname={self.name.rpartition('-')[2]}",
            f"--label={LABEL}={self.lab}", f"--label=ovr.lab.options={wanted}", *words,
        )  # fmt: skip

    def label(self, name: str) -> str:
        return docker("container", "inspect", "--format", f'{{{{index .Config.Labels "{name}"}}}}', self.name)


def machines(lab: str | None = None) -> list[str]:
    """Names of the lab's containers, of one lab or of all."""
    wanted = f"label={LABEL}" + (f"={lab}" if lab else "")
    return docker("ps", "--all", "--filter", wanted, "--format", "{{.Names}}").split()
