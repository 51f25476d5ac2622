"""Run commands: output on failure, silence on success."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


class CommandError(RuntimeError):
    """A command that failed, with the end of what it printed."""


def run(*words: object, stdin: bytes | None = None, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command and return its standard output; CommandError with its last lines otherwise."""
    command = [str(word) for word in words]
    done = subprocess.run(
        command, input=stdin, capture_output=True, env={**os.environ, **(env or {})}, cwd=cwd, check=False
    )
    if done.returncode:
        printed = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-25:]
        raise CommandError(f"`{' '.join(command)}` ended with {done.returncode}:\n  " + "\n  ".join(printed))
    return done.stdout.decode(errors="replace").strip()


def succeeds(*words: object) -> bool:
    """Whether the command exists and ends with 0."""
    try:
        return subprocess.run([str(word) for word in words], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def apt_install(packages: Sequence[str]) -> None:
    """Install Debian packages; asks for root with a sentence when it is not there."""
    if os.geteuid() != 0:
        raise PermissionError(f"the lab must install {' '.join(packages)}: run it as root, or install them yourself")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-q", env=quiet)
    run("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, env=quiet)
