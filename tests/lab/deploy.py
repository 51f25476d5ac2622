"""Deploy a site to a lab rig with the shipped playbook, over SSH, as an engineer would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.lab import cache
from tests.lab.progress import say
from tests.lab.rig import Rig

DEMO_INVENTORY = cache.REPO / "inventories" / "demo"


class DeployError(RuntimeError):
    """A play that failed, with what Ansible said."""


def play(rig: Rig, playbook: Path | str = "playbooks/site.yml", *words: str) -> str:
    """Run a playbook against the rig and return Ansible's output; DeployError where it fails.

    Shows each role as it begins; the whole output is kept beside the rig's state.
    """
    log = rig.folder / f"{Path(playbook).stem}.log"
    command = [
        Path(sys.executable).with_name("ansible-playbook"),
        "-i",
        DEMO_INVENTORY,
        "-i",
        rig.inventory,
        playbook,
        *words,
    ]
    lines: list[str] = []
    with (
        log.open("w") as kept,
        subprocess.Popen(
            [str(word) for word in command],
            cwd=cache.REPO,
            env={**os.environ, "ANSIBLE_HOME": str(cache.REPO / ".ansible"), "ANSIBLE_NOCOLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running,
    ):
        shown = ""
        for line in running.stdout:
            kept.write(line)
            lines.append(line)
            role = _role(line)
            if role and role != shown:
                shown = role
                say(f"    role {role}")
    output = "".join(lines)
    if running.returncode:
        raise DeployError(f"{playbook} failed (all of it: {log}):\n{_failure(output)}")
    return output


def recap(output: str) -> dict[str, int]:
    """The counts of the play recap: ok, changed, unreachable, failed, skipped."""
    found = re.search(r"PLAY RECAP.*?:\s+(ok=.*)$", output, re.DOTALL | re.MULTILINE)
    if not found:
        raise ValueError("Ansible printed no play recap")
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", found.group(1))}


def _role(line: str) -> str:
    match = re.match(r"TASK \[(?:ovr\.edge\.)?(\w+) : ", line)
    return match.group(1) if match else ""


def _failure(output: str) -> str:
    at = max(output.find("fatal:"), output.find("[ERROR]"), 0)
    return output[at : at + 3000]
