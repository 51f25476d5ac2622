"""All linters, each with its verdict and time; the first line of a failure says which one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

from tests.lab.cache import REPO


def main() -> int:
    """Run every linter and return 1 if one of them complains."""
    verdicts = [_run(name, command) for name, command in _commands().items()]
    return 0 if all(verdicts) else 1


def _commands() -> dict[str, list[str]]:
    python = _files("*.py")
    scripts = [name for name in _files() if _is_shell(name)]
    linters = {
        "ruff check": ["ruff", "check", "--quiet", *python],
        "ruff format": ["ruff", "format", "--check", "--quiet", *python],
        "yamllint": ["yamllint", "--strict", *_files("*.yml", "*.yaml")],
        "ansible-lint": ["ansible-lint", "--offline", "-q", "playbooks", "roles", "molecule"],
    }
    if shutil.which("shellcheck"):
        linters["shellcheck"] = ["shellcheck", *scripts]
    return linters


def _files(*patterns: str) -> list[str]:
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns], cwd=REPO, text=True
    )
    return [name for name in listed.splitlines() if (REPO / name).is_file()]


def _is_shell(name: str) -> bool:
    if name.endswith((".sh", ".j2")):
        return name.endswith(".sh")  # a template is not a script yet; its role checks what comes of it
    with (REPO / name).open("rb") as file:
        return file.readline().strip() in (b"#!/bin/sh", b"#!/usr/bin/env sh", b"#!/bin/bash", b"#!/usr/bin/env bash")


def _run(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name:14} {verdict}  {time.monotonic() - began:.1f} s", flush=True)
    if done.returncode:
        print((done.stdout + done.stderr).rstrip(), flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
