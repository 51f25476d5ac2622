"""A lab rig: one box with its data disk, one GX and the meters, wired together and reached by SSH."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.lab import cache, engine, images
from tests.lab.disk import Disk
from tests.lab.machine import DOCKER_INSIDE, SYSTEMD_OPTIONS, Machine
from tests.lab.progress import step
from tests.lab.shell import apt_install, run, succeeds
from tests.lab.wire import Link, connect
from tests.parts.process import wait_until

GX_LINK = Link("gx0", ("192.168.100.1/30",), "eth0", ("192.168.100.2/30",), "192.168.100.1")
METERS = {"acuvim_11": "10.10.4.11", "acuvim_12": "10.10.4.12"}
METERS_LINK = Link("meters0", ("10.10.4.1/24",), "eth0", tuple(f"{address}/24" for address in METERS.values()))
PUBLISHED = (22, 8088)
# Only /data outlives a restart of the GX; nothing else but RAM can be written.
GX_MEMORY = (
    "--read-only",
    *(f"--tmpfs={path}" for path in ("/run:exec", "/tmp:exec", "/var/volatile", "/var/spool/cron")),
    "--volume=/data",
)
USER = "ovradmin"

ADD_KEY = """
mkdir -p /data/home/root/.ssh && cd /data/home/root/.ssh && read -r key || exit 1
grep -qxF "$key" authorized_keys 2>/dev/null || echo "$key" >> authorized_keys
chmod 700 . && chmod 600 authorized_keys
"""


@dataclass
class Rig:
    """One named rig. Names carry a digest of the checkout's path, so that two checkouts do not meet."""

    name: str
    scenario: str = "ramps"
    seed: int = 1
    epoch_ns: int = field(default_factory=time.time_ns)

    @cached_property
    def label(self) -> str:
        return f"{hashlib.sha256(str(cache.REPO).encode()).hexdigest()[:6]}-{self.name}"

    @property
    def folder(self) -> Path:
        return cache.REPO / "build" / "lab" / self.name

    @property
    def box(self) -> Machine:
        return Machine(f"ovr-{self.label}-box", self.label)

    @property
    def gx(self) -> Machine:
        return Machine(f"ovr-{self.label}-gx", self.label)

    @property
    def meters(self) -> Machine:
        return Machine(f"ovr-{self.label}-meters", self.label)

    @property
    def disk(self) -> Disk:
        return Disk(self.folder / "disk.img")

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory"

    @classmethod
    def load(cls, name: str) -> Rig:
        """The rig of an earlier `up`, with the scenario and epoch that it runs."""
        state = cls(name).folder / "state.json"
        if not state.exists():
            raise LookupError(f"no lab {name!r}: start it with `python tests/lab up --name {name}`")
        return cls(name, **json.loads(state.read_text()))

    def up(self, box_only: bool = False) -> None:
        """Start what is not running, wire it, and wait for SSH; leaves what runs alone."""
        engine.ensure()
        _need_ip_command()
        self.folder.mkdir(parents=True, exist_ok=True)
        box_image = images.ensure("box")
        others = {} if box_only else {name: images.ensure(name) for name in ("gx", "meters")}
        with step(f"start the machines of lab {self.name}"):
            self._start_box(box_image)
            if not box_only:
                self.gx.start(others["gx"], *self._gx_options())
                self._start_meters(others["meters"])
            (self.folder / "state.json").write_text(
                json.dumps({"scenario": self.scenario, "seed": self.seed, "epoch_ns": self.epoch_ns})
            )
            self.wire()
        with step("log in by SSH"):
            self._authorise_administrator()
            self._write_hosts()
            self.wait_ssh()

    def wire(self) -> None:
        """Make the links and addresses again where a restart lost them."""
        if not self.box.pid:
            raise LookupError(f"the box of lab {self.name} is down: `python tests/lab up --name {self.name}`")
        for far, link in ((self.gx, GX_LINK), (self.meters, METERS_LINK)):
            if far.exists() and far.pid:
                connect(self.box, far, link)

    def power_cycle(self) -> None:
        """Cut the box's power and switch it on again; returns when SSH answers."""
        self.box.kill()
        self.box.power_on()
        self.wire()
        self._write_hosts()
        self.wait_ssh()

    def reboot_gx(self) -> None:
        """Cut the GX's power and switch it on again; only /data is as before."""
        self.gx.kill()
        self.gx.power_on()
        self.wire()

    def update_gx(self) -> None:
        """Start the GX from a new root file system with its old /data, as after a firmware update."""
        self.gx.kill()
        self.gx.renew(images.ensure("gx"), *self._gx_options())
        self.wire()

    def down(self) -> None:
        """Remove the machines, their volumes and the disk; keeps images and the cache."""
        if engine.answers():
            for machine in (self.box, self.gx, self.meters):
                if machine.exists():
                    machine.remove()
        self.disk.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ssh(self, command: str, stdin: bytes | None = None) -> str:
        """Run a shell command on the box by SSH, as the administrator."""
        return run("ssh", "-F", self.ssh_config, "box", command, stdin=stdin)

    @property
    def ssh_config(self) -> Path:
        return self.folder / "ssh_config"

    def wait_ssh(self, seconds: float = 60) -> None:
        wait_until(lambda: succeeds("ssh", "-F", self.ssh_config, "box", "true"), seconds, "an SSH login", every=0.3)

    def authorise_box_on_gx(self) -> None:
        """Do what a person does at the GX: allow the box's public key to log in as root."""
        public = self.ssh("sudo cat /etc/overdrive/secrets/gx_ed25519.pub")
        self.gx.run("sh", "-c", ADD_KEY, stdin=public.encode() + b"\n")

    def url(self, port: int) -> str:
        """The address on this machine of a port that the box opens."""
        return f"http://{self.box.published(port)}"

    def _start_box(self, image: str) -> None:
        self.disk.make()
        self.box.start(
            image,
            *SYSTEMD_OPTIONS,
            *DOCKER_INSIDE,
            f"--device={self.disk.device}",
            *(f"--publish=127.0.0.1::{port}" for port in PUBLISHED),
        )

    def _gx_options(self) -> tuple[str, ...]:
        environment = {
            "OVR_SCENARIO": f"/opt/simulator/simulators/scenarios/{self.scenario}.json",
            "OVR_SEED": self.seed,
            "OVR_EPOCH_NS": self.epoch_ns,
        }
        return ("--network=none", *GX_MEMORY, *(f"--env={name}={value}" for name, value in environment.items()))

    def _start_meters(self, image: str) -> None:
        self.meters.start(
            image,
            "--network=none",
            command=(
                f"--scenario=/opt/simulator/simulators/scenarios/{self.scenario}.json",
                f"--seed={self.seed}",
                f"--epoch={self.epoch_ns}",
                *(f"--meter={address}:502={system}" for system, address in METERS.items()),
            ),
        )

    def _authorise_administrator(self) -> None:
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {self.name}", "-f", self.key)
        self.box.run(
            "sh", "-c",
            f"cat > /home/{USER}/.ssh/authorized_keys && chown {USER}: /home/{USER}/.ssh/authorized_keys && "
            f"chmod 600 /home/{USER}/.ssh/authorized_keys",
            stdin=self.key.with_suffix(".pub").read_bytes(),
        )  # fmt: skip

    def _write_hosts(self) -> None:
        host, _, port = self.box.published(22).rpartition(":")
        wait_until(
            lambda: succeeds("docker", "exec", self.box.name, "test", "-s", "/etc/ssh/ssh_host_ed25519_key.pub"),
            20, "the box's SSH host key",
        )  # fmt: skip
        public = " ".join(self.box.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
        (self.folder / "known_hosts").write_text(f"[{host}]:{port} {public}\n")
        options = {
            "User": USER,
            "HostName": host,
            "Port": port,
            "IdentityFile": self.key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.folder / "known_hosts",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": 5,
            "LogLevel": "ERROR",
        }
        self.ssh_config.write_text("Host box\n" + "".join(f"  {name} {value}\n" for name, value in options.items()))
        self.inventory.mkdir(exist_ok=True)
        known_hosts = f"-o UserKnownHostsFile={self.folder / 'known_hosts'} -o StrictHostKeyChecking=yes"
        variables = {
            "ansible_host": host,
            "ansible_port": int(port),
            "ansible_user": USER,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": known_hosts,
            "storage_device": self.disk.device,
        }
        (self.inventory / "hosts.json").write_text(
            json.dumps({"edge": {"hosts": {"rig-01": variables}}}, indent=2) + "\n"
        )


def _need_ip_command() -> None:
    missing = [
        package
        for command, package in (("ip", "iproute2"), ("ssh", "openssh-client"), ("mkfs.ext4", "e2fsprogs"))
        if not shutil.which(command)
    ]
    if missing:
        apt_install(missing)
