"""From what is known and what was seen: what will be known. Pure; touches nothing.

A meter keeps its Logger number through silence, absence, a new address and de-listing. Two meters never share one
series: whoever turns up at the address of another gets a number of its own, until the operator forgets
the other.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from .errors import AcuvimError
from .identify import METER, PROBABLE, SILENT, Finding
from .registry import ABSENT, ACTIVE, DELISTED, DISPLACED, Meter, Meters, place_name, without_observations
from .registry import PROBABLE as STATE_PROBABLE
from .targets import Targets
from .wiring import Fault
from .wiring import judge as wiring_faults


@dataclass(frozen=True)
class Change:
    """What happens to one meter: the word, and a sentence with the reason."""

    meter: str
    what: str
    why: str


@dataclass(frozen=True)
class Plan:
    """The registry that will be, how it differs from the one before, and what an operator must know."""

    before: Meters
    meters: Meters
    changes: tuple[Change, ...]
    problems: tuple[str, ...]

    @property
    def changes_registry(self) -> bool:
        return without_observations(self.before) != without_observations(self.meters)


Place = tuple[str, int, int]


@dataclass
class _Row:
    """One meter on its way through the plan."""

    before: Meter | None
    after: Meter
    finding: Finding | None


def plan(
    known: Meters,
    targets: Targets,
    findings: Iterable[Finding],
    *,
    now: str,
    forget: Iterable[str] = (),
    alive: Container[Place] = (),
    absent_after_s: float | None = None,
) -> Plan:
    """Decide every known and every seen meter; `findings` has one or more of each endpoint that was asked.

    now: UTC, ISO 8601. forget: registry keys. alive: places whose samples arrive, so that a scan that missed
    them proves nothing. absent_after_s: how long a meter may be missing until it is absent, None for ever.
    """
    problems: list[str] = []
    findings = list(findings)
    kept = _without(known, forget)
    seen = _one_each(kept, [found for found in findings if found.verdict in (METER, PROBABLE)], problems)
    rows = [_seen(before, finding, targets, now) for before, finding in _matched(kept, seen)]
    met = {row.before.key for row in rows if row.before}
    taken = {row.after.place for row in rows}
    unmet = [_noticed(meter, findings, alive, now) for key, meter in kept.items() if key not in met]
    rows += [_unseen(known[meter.key], meter, taken, targets, _is_gone(meter, now, absent_after_s)) for meter in unmet]
    _number(rows, targets, problems)
    problems += _doubts(rows, findings)
    forgotten = [Change(key, "forgotten", "as asked") for key in known if key not in kept]
    meters = {row.after.key: row.after for row in rows}
    return Plan(known, meters, (*forgotten, *_changes(rows)), tuple(problems))


def _without(known: Meters, forget: Iterable[str]) -> dict[str, Meter]:
    unknown = [key for key in forget if key not in known]
    if unknown:
        raise AcuvimError(f"cannot forget '{unknown[0]}': not in the registry; known: {', '.join(known) or 'none'}")
    return {key: meter for key, meter in known.items() if key not in forget}


def _one_each(known: Meters, seen: list[Finding], problems: list[str]) -> list[Finding]:
    """Each serial once: where it is known to be, else at the first address."""
    chosen: dict[str, Finding] = {}
    for finding in seen:
        key = finding.serial or _place_of(finding)
        other = chosen.get(key)
        if other is None:
            chosen[key] = finding
            continue
        at_home = key in known and known[key].place == (finding.ip, finding.port, finding.unit)
        chosen[key], extra = (finding, other) if at_home else (other, finding)
        problems.append(
            f"serial {key} answers at {_place_of(chosen[key])} and at {_place_of(extra)}: the second is not polled; "
            "if these are two meters, give them serials of their own, else list one address"
        )
    return list(chosen.values())


def _matched(known: Meters, seen: list[Finding]) -> Iterator[tuple[Meter | None, Finding]]:
    """Pair each finding with the meter it is: by serial, else by place where only one side has a serial."""
    by_serial = {finding.serial for finding in seen if finding.serial in known}
    # A displaced meter without a serial is the first to be overwritten here, one with a serial shows it.
    at_place = {
        meter.place: meter
        for meter in sorted(known.values(), key=lambda meter: meter.state != DISPLACED)
        if meter.serial not in by_serial and not (meter.state == DISPLACED and meter.serial)
    }
    for finding in seen:
        here = at_place.get((finding.ip, finding.port, finding.unit))
        if finding.serial in by_serial:
            yield known[finding.serial], finding
        elif here and not (here.serial and finding.serial):
            yield here, finding
        else:
            yield None, finding


def _seen(before: Meter | None, finding: Finding, targets: Targets, now: str) -> _Row:
    place = {"ip": finding.ip, "port": finding.port, "unit": finding.unit}
    base = before or Meter(**place, serial="", state=STATE_PROBABLE, first_seen=now, last_seen=now)
    line = targets.line_for(**place)
    after = replace(
        base,
        **place,
        serial=finding.serial or base.serial,
        model=finding.model or base.model,
        firmware=finding.firmware or base.firmware,
        block=base.block if finding.block is None else finding.block,
        word_order=finding.word_order or base.word_order,
        power_scale=(line and line.power_scale) or finding.power_scale or base.power_scale,
        family=base.family if finding.block is None else finding.family,
        has_energy=finding.has_energy or base.has_energy,
        has_demand=finding.has_demand or base.has_demand,
        has_thd=finding.has_thd or base.has_thd,
        has_fast_read=finding.has_fast_read or base.has_fast_read,
        wiring=finding.wiring or base.wiring,
        ct=finding.ct or base.ct,
        pt=finding.pt or base.pt,
        name=(line and line.name) or _own_name(base.name, targets),
        last_seen=now,
        missing_since="",
    )
    if (faults := _wiring(after, finding)) is not None:
        after = replace(after, wiring_judged=now, wiring_faults=tuple(fault.kind for fault in faults))
    # Once believed, a meter stays one: a dead bus looks like nothing.
    state = ABSENT if line and line.is_absent else STATE_PROBABLE if after.block is None else ACTIVE
    return _Row(before, replace(after, state=state), finding)


def _wiring(meter: Meter, finding: Finding) -> tuple[Fault, ...] | None:
    return wiring_faults(finding.values, meter.wiring, meter.ct)


def _own_name(name: str, targets: Targets) -> str:
    """A name goes with its meter, unless the operator now gives it to another address."""
    return "" if any(line.name == name for line in targets.lines) else name


def _noticed(meter: Meter, findings: list[Finding], alive: Container[Place], now: str) -> Meter:
    """Begin or end the time it is missing. An endpoint that was not asked this time tells nothing."""
    if meter.place in alive:
        return replace(meter, missing_since="")
    was_asked = any((finding.ip, finding.port) == meter.place[:2] for finding in findings)
    return replace(meter, missing_since=meter.missing_since or now) if was_asked else meter


def _is_gone(meter: Meter, now: str, absent_after_s: float | None) -> bool:
    if absent_after_s is None or not meter.missing_since:
        return False
    since, until = (datetime.datetime.fromisoformat(text) for text in (meter.missing_since, now))
    return (until - since).total_seconds() >= absent_after_s


def _unseen(before: Meter, meter: Meter, taken: set[Place], targets: Targets, is_gone: bool) -> _Row:
    line, state = targets.line_for(*meter.place), meter.state
    if meter.place in taken:
        state = DISPLACED
    elif state != DISPLACED and not targets.cover(*meter.place):
        state = DELISTED
    elif state != DISPLACED and line and line.is_absent:
        state = ABSENT
    elif state == DELISTED:
        state = STATE_PROBABLE if meter.block is None else ACTIVE
    elif state == ACTIVE and is_gone:
        state = ABSENT
    return _Row(before, replace(meter, state=state), None)


def _number(rows: list[_Row], targets: Targets, problems: list[str]) -> None:
    """Give Logger numbers: the operator's where free, the meter's own for good, else the lowest free one."""
    asked = {id(row): number for row in rows if (number := _asked_number(row, targets))}
    while refused := [row for row in rows if id(row) in asked and _holder(rows, asked, row)]:
        row = refused[0]
        holder = _holder(rows, asked, row)
        problems.append(
            f"{_place_of(row.after)} cannot be Logger {asked.pop(id(row))}: {holder.key} ({holder.state}, "
            f"{_place_of(holder)}) is; give that one another number, or forget it if it is gone for good"
        )
    for row in rows:
        if id(row) in asked:
            row.after = replace(row.after, logger=asked[id(row)])
    used = {row.after.logger for row in rows} | {line.logger for line in targets.lines}
    free = (number for number in range(1, 10**6) if number not in used)
    for row in sorted(rows, key=lambda row: (ipaddress.ip_address(row.after.ip), *row.after.place[1:])):
        if row.after.logger is None and row.after.state == ACTIVE:
            row.after = replace(row.after, logger=next(free))


def _asked_number(row: _Row, targets: Targets) -> int | None:
    line = targets.line_for(*row.after.place) if row.after.state == ACTIVE else None
    return line.logger if line and line.logger != row.after.logger else None


def _holder(rows: list[_Row], asked: dict[int, int], row: _Row) -> Meter | None:
    """The other meter that has the number this one asks for, and is not about to give it up."""
    holders = (other for other in rows if other is not row and other.after.logger == asked[id(row)])
    return next((other.after for other in holders if id(other) not in asked), None)


def _doubts(rows: list[_Row], findings: list[Finding]) -> Iterator[str]:
    answers: dict[tuple, Finding] = {(finding.ip, finding.port): finding for finding in findings}
    answers |= {(finding.ip, finding.port, finding.unit): finding for finding in findings}
    for meter, finding in ((row.after, row.finding) for row in rows if row.after.state == ACTIVE):
        name = f"{meter.system_id} at {_place_of(meter)}"
        answer = answers.get(meter.place) or answers.get(meter.place[:2])
        # A meter whose samples arrive is only silent because Telegraf holds its last connection.
        if answer and not finding and (meter.missing_since or answer.verdict != SILENT):
            reason = f"{answer.verdict}: {'; '.join(answer.evidence)}"
            yield f"{name} was not found this time ({reason}); it stays as it is"
        for fault in (finding and _wiring(meter, finding)) or ():
            yield f"{name}: {fault.said} ({fault.kind})"
        if meter.power_scale is None:
            yield (
                f"{name}: without load it has not shown whether it counts in W or kW, so its power is not published; "
                "run the discovery again under load, or write power=W or power=kW on its line"
            )


def _changes(rows: list[_Row]) -> Iterator[Change]:
    for row in rows:
        for what, why in _differences(row.before, row.after):
            yield Change(row.after.key, what, why)


def _differences(before: Meter | None, after: Meter) -> Iterator[tuple[str, str]]:
    if before is None:
        what, name = ("new", f"{after.system_id}: ") if after.state == ACTIVE else (after.state, "")
        yield what, f"{name}{after.model or 'no identity'} at {_place_of(after)}"
        return
    if before.place != after.place:
        yield "moved", f"from {_place_of(before)} to {_place_of(after)}"
    if before.state != after.state:
        since = f", missing since {after.missing_since}" if after.state == ABSENT and after.missing_since else ""
        yield _state_word(before.state, after.state), f"{before.state} → {after.state} at {_place_of(after)}{since}"
    if before.logger != after.logger:
        yield "numbered", f"Logger {before.logger or '-'} → {after.logger}"
    old, new = asdict(before), asdict(after)
    fields = [field for field in _DETAILS if old[field] != new[field]]
    if fields:
        yield "updated", ", ".join(f"{field} {old[field] or '-'} → {new[field] or '-'}" for field in fields)


_DETAILS = (
    *("serial", "name", "model", "firmware", "family", "block", "word_order", "power_scale"),
    *("has_energy", "has_demand", "has_thd", "has_fast_read", "wiring", "ct", "pt"),
)


def _state_word(before: str, after: str) -> str:
    if after == ACTIVE:
        return "identified" if before == STATE_PROBABLE else "returned"
    return after


def _place_of(thing: Meter | Finding) -> str:
    return place_name(thing.ip, thing.port, thing.unit)
