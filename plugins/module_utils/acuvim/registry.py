"""The meters this box knows, in one JSON file: a meter keeps its Logger number for good.

The key is the serial number, else address and unit. `logger` is the one place that says which Logger a
meter is; `acuvim_1<logger>` follows from it and never from an address.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import AcuvimError
from .families import ACUVIM2
from .files import write_whole

SCHEMA = 1

ACTIVE = "active"
PROBABLE = "probable"
DELISTED = "delisted"
DISPLACED = "displaced"
ABSENT = "absent"


@dataclass(frozen=True)
class Meter:
    """One known meter.

    state: `active` is polled; `probable` was seen and not believed yet; `delisted` is no longer in the
    targets; `displaced` has another meter at its address; `absent` is out of service, by its line or because
    it was missing too long. logger is None only where it was never active. power_scale is W per register unit,
    None while no load has shown it. Times are UTC, ISO 8601; missing_since is that of the first scan that
    missed it, empty while it is there; wiring_judged that of the last look at its wiring, which found wiring_faults.
    """

    ip: str
    port: int
    unit: int
    serial: str
    state: str
    first_seen: str
    last_seen: str
    logger: int | None = None
    name: str = ""
    model: str = ""
    firmware: str = ""
    block: int | None = None
    word_order: str = "ABCD"
    power_scale: float | None = None
    has_energy: bool = False
    has_demand: bool = False
    has_thd: bool = False
    has_fast_read: bool = False
    family: str = ACUVIM2
    wiring: str = ""
    ct: str = ""
    pt: str = ""
    missing_since: str = ""
    wiring_judged: str = ""
    wiring_faults: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.serial or place_name(self.ip, self.port, self.unit)

    @property
    def place(self) -> tuple[str, int, int]:
        return (self.ip, self.port, self.unit)

    @property
    def system_id(self) -> str:
        return f"acuvim_1{self.logger}"

    @property
    def device(self) -> str:
        return self.name or self.system_id

    @property
    def is_polled(self) -> bool:
        return self.state == ACTIVE and self.block is not None


Meters = Mapping[str, Meter]


def place_name(ip: str, port: int, unit: int | None) -> str:
    """How an address is written where people read it: the usual port is left out."""
    shown = ip if port == 502 else f"{ip}:{port}"
    return shown if unit is None else f"{shown}/{unit}"


def load(path: str) -> dict[str, Meter]:
    """Read the registry; a missing file is an empty one, a damaged one is an error and stays as it is."""
    try:
        stored = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise AcuvimError(
            f"{path}: cannot be read ({error}); restore it from a backup, because it holds the Logger numbers. "
            "Without a backup move it away: meters are then numbered anew"
        ) from error
    try:
        if stored["schema"] != SCHEMA:
            raise AcuvimError(f"{path}: schema {stored['schema']}, this program knows {SCHEMA}; use the newer release")
        return {key: _meter(fields) for key, fields in stored["meters"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise AcuvimError(f"{path}: not a meter registry ({error}); restore it from a backup") from error


def _meter(fields: dict) -> Meter:
    return Meter(**{**fields, "wiring_faults": tuple(fields.get("wiring_faults", ()))})


def dump(meters: Meters) -> str:
    """The registry as text: the same meters always give the same text."""
    stored = {key: dataclasses.asdict(meters[key]) for key in sorted(meters)}
    return json.dumps({"schema": SCHEMA, "meters": stored}, indent=2) + "\n"


def save(path: str, meters: Meters) -> None:
    """Replace the file as a whole; it is on disk when this returns."""
    write_whole(Path(path), dump(meters), 0o644)


def without_observations(meters: Meters) -> dict[str, Meter]:
    """The same meters without what each scan observes: one that only saw or missed them has changed nothing."""
    observed = {"last_seen": "", "missing_since": "", "wiring_judged": "", "wiring_faults": ()}
    return {key: dataclasses.replace(meter, **observed) for key, meter in meters.items()}
