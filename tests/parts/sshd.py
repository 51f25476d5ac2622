"""A real sshd on loopback with keys of its own, for what is reached over SSH."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.parts.process import Process, free_port

SSHD = "/usr/sbin/sshd"
PRIVILEGE_SEPARATION = Path("/run/sshd")

CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv {environment}
"""


def make_key(path: Path) -> str:
    """Make a key pair and return its public half."""
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_name(path.name + ".pub").read_text()


class Sshd(Process):
    """A running sshd: log in as `user` on `port` of 127.0.0.1 once a key is allowed. Sessions get `env`, and for a
    home this folder, so that no profile of the person who runs the tests has a say."""

    def __init__(self, folder: Path, env: Mapping[str, str]):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.user, self.port = folder, getpass.getuser(), free_port()
        self.new_host_key()
        environment = " ".join(f'"{name}={value}"' for name, value in {"HOME": folder, **env}.items())
        config = folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=folder, environment=environment))
        if self.user == "root":
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        super().__init__([SSHD, "-D", "-e", "-f", config], folder / "sshd.log")
        self.wait_ready(lambda: "Server listening" in self.tail())

    def allow(self, public_key: str) -> None:
        with (self.folder / "authorized_keys").open("a") as file:
            file.write(public_key)

    def new_host_key(self) -> None:
        """Be another machine, for logins that begin from now on."""
        make_key(self.folder / "host_key")


@contextmanager
def running(folder: Path, env: Mapping[str, str]) -> Iterator[Sshd]:
    """An sshd whose files lie in `folder`; ended on leaving."""
    server = Sshd(folder, env)
    try:
        yield server
    finally:
        server.stop()
