"""One way from plain options, as module and command line have them, to what a discovery takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import targets
from .discover import Settings
from .durations import milliseconds
from .errors import AcuvimError
from .modbus import Timing
from .polling import Polling
from .probe import Pace
from .targets import ADDRESSES_MAX, Targets
from .telegraf import Folder

DEFAULTS = {
    "registry": "",
    "telegraf_dir": "",
    "staging": "",
    "template": "",
    "metrics_file": "",
    "interval": Polling.interval,
    "energy_interval": Polling.energy_interval,
    "networks": {},
    "burst": Polling.burst,
    "absent_after": "",
    "verify_url": "",
    "verify_seconds": Settings.verify_seconds,
    "addresses_max": ADDRESSES_MAX,
    "connects_per_second": Pace.connects_per_second,
    "hosts_at_once": Pace.hosts_at_once,
    "connect_timeout": Timing.connect_s,
    "connect_attempts": Timing.connect_attempts,
    "reply_timeout": Timing.reply_s,
    "lock_seconds": Settings.lock_seconds,
}

_POSITIVE = ("connects_per_second", "hosts_at_once", "connect_timeout", "connect_attempts", "reply_timeout")


def settings(
    listed: Targets, options: Mapping[str, Any], check: Sequence[str], forget: Sequence[str], **modes: bool
) -> Settings:
    """`options` has the names of DEFAULTS, `modes` are those of Settings; AcuvimError names what cannot be."""
    for name in _POSITIVE:
        if not options[name] > 0:
            raise AcuvimError(f"{name}: {options[name]} is not more than 0; the usual value is {DEFAULTS[name]}")
    return Settings(
        targets=listed,
        registry=options["registry"],
        folder=_folder(options, check),
        template=options["template"],
        metrics_file=options["metrics_file"],
        polling=Polling(*(options[name] for name in ("interval", "energy_interval", "networks", "burst"))),
        timing=Timing(options["connect_timeout"], options["connect_attempts"], options["reply_timeout"]),
        pace=Pace(options["hosts_at_once"], options["connects_per_second"]),
        verify_url=options["verify_url"],
        verify_seconds=options["verify_seconds"],
        lock_seconds=options["lock_seconds"],
        forget=tuple(forget),
        absent_after_s=_seconds("absent_after", options["absent_after"]),
        **modes,
    )


def targets_of(options: Mapping[str, Any]) -> Targets:
    """The targets of a module: from its file, else its own lines."""
    if options["targets_file"]:
        return targets.read(options["targets_file"], options["addresses_max"])
    return targets.parse(options["targets"], "targets", options["addresses_max"])


def _seconds(field: str, duration: str) -> float | None:
    return milliseconds(field, duration) / 1000 if duration else None


def _folder(options: Mapping[str, Any], check: Sequence[str]) -> Folder | None:
    if not options["telegraf_dir"]:
        return None
    missing = [name for name in ("registry", "staging", "template") if not options[name]]
    if missing:
        raise AcuvimError(f"telegraf_dir: {options['telegraf_dir']} needs {', '.join(missing)} beside it")
    return Folder(Path(options["telegraf_dir"]), Path(options["staging"]), tuple(check))
