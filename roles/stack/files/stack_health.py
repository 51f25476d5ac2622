#!/usr/bin/env python3
"""Say whether this box is well: its data disk, its containers, its scrape targets.

Prints one line a part, or with --json `{"ok": true, "parts": [{"part", "ok", "say"}]}`; ends with 1 if one is not well.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

STACK = Path(__file__).resolve().parent.parent
TARGETS = "http://127.0.0.1:8429/api/v1/targets?state=active"


@dataclass(frozen=True)
class Part:
    """A part of the box, whether it is well, and a sentence about it."""

    part: str
    ok: bool
    say: str


def main() -> int:
    parser = argparse.ArgumentParser(prog="stack_health.sh", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root may ask the engine and write to the disk: sudo bash stack_health.sh")
    parts = [*disk(Path(settings()["DATA_MOUNT"])), *containers(), *targets()]
    well = all(part.ok for part in parts)
    if options.json:
        print(json.dumps({"ok": well, "parts": [asdict(part) for part in parts]}))
    else:
        for part in parts:
            print(f"{'ok ' if part.ok else 'BAD'} {part.part:28} {part.say}")
    return 0 if well else 1


def settings() -> dict[str, str]:
    """What edge.env says."""
    lines = (STACK / "edge.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def disk(mount: Path) -> Iterator[Part]:
    """The data disk is mounted and takes a write."""
    if not mount.is_mount():
        yield Part("disk", False, f"nothing is mounted at {mount}")
        return
    probe = mount / ".health"
    try:
        with probe.open("w") as file:
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        yield Part("disk", False, f"{mount} takes no write: {error.strerror}")
        return
    free = shutil.disk_usage(mount).free
    yield Part("disk", True, f"{mount} is mounted, {free / 1e9:.1f} GB free")


def containers() -> Iterator[Part]:
    """Every service of the compose project runs and is healthy."""
    try:
        wanted = docker("compose", "config", "--services").split()
        listed = docker("compose", "ps", "--all", "--format", "json").splitlines()
    except (OSError, subprocess.CalledProcessError) as error:
        yield Part("containers", False, f"docker does not answer: {error}")
        return
    seen = {row["Service"]: row for row in map(json.loads, listed)}
    for service in sorted(wanted):
        row = seen.get(service)
        health = (row["Health"] or row["State"]) if row else "missing"
        yield Part(f"container {service}", health == "healthy", f"{health} {row['Status'] if row else ''}".strip())


def targets() -> Iterator[Part]:
    """Every address that vmagent scrapes answers."""
    try:
        with urllib.request.urlopen(TARGETS, timeout=5) as reply:
            active = json.load(reply)["data"]["activeTargets"]
    except (OSError, ValueError) as error:
        yield Part("targets", False, f"vmagent does not answer: {error}")
        return
    for target in sorted(active, key=lambda one: one["labels"]["job"]):
        say = target["scrapeUrl"] if target["health"] == "up" else f"{target['scrapeUrl']}: {target['lastError']}"
        yield Part(f"target {target['labels']['job']}", target["health"] == "up", say)


def docker(*words: str) -> str:
    return subprocess.run(
        ["docker", *words], cwd=STACK, check=True, timeout=20, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
