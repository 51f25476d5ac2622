"""Debian packages that the tests use: what is missing is installed, the rest is left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.lab.progress import step
from tests.lab.shell import apt_install, succeeds

SYSTEM_PYTHON = "/usr/bin/python3"  # has Debian's dbus and gi modules, which PyPI does not build without headers

COMMANDS = {
    "busybox": ("busybox",),
    "chromium": ("chromium", "fonts-dejavu-core"),
    "curl": ("curl",),
    "dbus-daemon": ("dbus",),
    "dbus-monitor": ("dbus-bin",),
    "ip": ("iproute2",),
    "nft": ("nftables",),
    "nmap": ("nmap",),
    "shellcheck": ("shellcheck",),
    "sqlite3": ("sqlite3",),
    "ssh": ("openssh-client",),
    "svscan": ("daemontools",),
    "/usr/sbin/sshd": ("openssh-server",),
}
MODULES = {"dbus": "python3-dbus", "gi": "python3-gi"}


def missing() -> list[str]:
    """The packages whose command or module is not here."""
    absent = [package for command, packages in COMMANDS.items() if not _has(command) for package in packages]
    absent += [package for module, package in MODULES.items() if not succeeds(SYSTEM_PYTHON, "-c", f"import {module}")]
    return absent


def ensure() -> None:
    wanted = missing()
    if wanted:
        with step(f"install {' '.join(wanted)} from Debian's packages"):
            apt_install(wanted)


def _has(command: str) -> bool:
    return Path(command).exists() if command.startswith("/") else bool(shutil.which(command))


if __name__ == "__main__":
    ensure()
