"""What a request does to the runs: decided from values alone, carried out by the store.

A *run* is one use of an event id. Each system that takes part has a *part* in it. Times are ns since the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from event_service.clock import compact_utc, utc
from event_service.errors import Conflict, Invalid, Malformed


@dataclass(frozen=True)
class Part:
    """One system's part of a run; `location_since_ns` is when it came to its present location."""

    id: int
    run_id: str
    event_id: str
    system_id: str
    location: str | None
    location_since_ns: int
    start_ns: int
    end_ns: int | None = None


@dataclass(frozen=True)
class Begin:
    """Begin a system's part of a run; the run begins too unless another system is already in it."""

    run_id: str
    event_id: str
    system_id: str
    location: str | None
    ts_ns: int


@dataclass(frozen=True)
class Finish:
    """End a part; its run ends with the last one."""

    part: Part
    ts_ns: int


@dataclass(frozen=True)
class Move:
    """The system is at another location from now on, in the middle of its part."""

    part: Part
    location: str
    ts_ns: int


Intent = Begin | Finish | Move


def new_run_id(start_ns: int, token: str) -> str:
    """A run's id: when it started, and a few random characters because two may start in one second."""
    return f"{compact_utc(start_ns)}-{token}"


def start(
    system_id: str,
    event_id: str,
    location: str | None,
    ts_ns: int,
    *,
    replace: bool,
    active: Sequence[Part],
    past: Sequence[Part],
    new_id: str,
) -> list[Intent]:
    """Start an event on a system. Nothing to do when it already runs there.

    `past` are ended parts of the same event on the same system: they must not overlap with this one.
    """
    running = on_system(active, system_id)
    if running and running.event_id == event_id:
        return []
    if running and not replace:
        raise Conflict(
            f"{running.event_id!r} is active on {system_id} since {utc(running.start_ns)}; "
            "end it first, or send replace=true",
            active_event=running.event_id,
            run_id=running.run_id,
        )
    for part in past:
        if part.start_ns <= ts_ns < part.end_ns:
            raise Conflict(
                f"{event_id!r} already ran on {system_id} from {utc(part.start_ns)} to {utc(part.end_ns)}; "
                "give a ts outside of that"
            )
    joined = next((part.run_id for part in active if part.event_id == event_id), new_id)
    finish = [_finish(running, ts_ns, given=True)] if running else []
    return [*finish, Begin(joined, event_id, system_id, location, ts_ns)]


def end(
    system_id: str, event_id: str | None, ts_ns: int, *, given: bool, active: Sequence[Part], past: Sequence[Part]
) -> Finish | Part:
    """End the event on a system; the part itself when the same end was already recorded (a repeated request).

    `given` says that the caller named the time.
    """
    running = on_system(active, system_id)
    if running is None or (event_id and event_id != running.event_id):
        repeated = [part for part in past if given and part.event_id == event_id and part.end_ns == ts_ns]
        if repeated:
            return repeated[0]
    if running is None:
        raise Malformed(f"no event is active on {system_id}")
    if event_id and event_id != running.event_id:
        raise Conflict(
            f"{event_id!r} is not active on {system_id}, {running.event_id!r} is; leave event_id out to end that",
            active_event=running.event_id,
            run_id=running.run_id,
        )
    return _finish(running, ts_ns, given=given)


def end_all(event_id: str, ts_ns: int, *, given: bool, active: Sequence[Part]) -> list[Finish]:
    """End an event on every system."""
    parts = [part for part in active if part.event_id == event_id]
    if not parts:
        others = ", ".join(sorted({part.event_id for part in active})) or "none"
        raise Malformed(f"{event_id!r} is not active anywhere; active events: {others}")
    return [_finish(part, ts_ns, given=given) for part in parts]


def move(system_id: str, location: str, ts_ns: int, *, given: bool, active: Sequence[Part]) -> Move | None:
    """Set where a system is; None when no event runs there or it is there already."""
    running = on_system(active, system_id)
    if running is None or running.location == location:
        return None
    if ts_ns < running.location_since_ns:
        if given:
            raise Invalid("ts", ts_ns, f"is before {utc(running.location_since_ns)}, when the last location began")
        ts_ns = running.location_since_ns
    return Move(running, location, ts_ns)


def on_system(active: Sequence[Part], system_id: str) -> Part | None:
    """The part that runs on a system."""
    return next((part for part in active if part.system_id == system_id), None)


def _finish(part: Part, ts_ns: int, *, given: bool) -> Finish:
    if ts_ns < part.location_since_ns:
        if given:
            since = utc(part.location_since_ns)
            raise Invalid("ts", ts_ns, f"is before {since}, when {part.event_id!r} on {part.system_id} began there")
        # The clock was set back in the meantime: an operator must still be able to end the event.
        ts_ns = part.location_since_ns
    return Finish(part, ts_ns)
