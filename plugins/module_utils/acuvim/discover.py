"""The whole discovery: load | scan | identify | plan | render, then place | prove | save.

Everything before the first write is the same in check mode, so the plan that is shown is the plan that is
carried out. Nothing is written for what is not named: without a registry and a folder this only looks.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

from . import metrics, modbus, probe, quality, registry, samples
from .errors import AcuvimError
from .identify import METER, PROBABLE, SILENT, Finding, identify
from .lock import locked
from .plan import Plan, plan
from .polling import Polling
from .render import render
from .targets import Host, Targets
from .telegraf import Files, Folder

# Telegraf looks for changes every second and waits two for more of them: samples before that prove nothing.
RELOAD_S = 3.0
_FRESH_S = 5.0
_GAPS_S = 600
_NOTE_EVERY = 16


@dataclass(frozen=True)
class Settings:
    """What to look at and what to write; an empty path means: not that.

    unsettled_only leaves alone the meters that are polled and have shown their power unit: they have few
    connections, and Telegraf holds one.
    """

    targets: Targets
    registry: str = ""
    folder: Folder | None = None
    template: str = ""
    metrics_file: str = ""
    polling: Polling = field(default_factory=Polling)
    timing: modbus.Timing = field(default_factory=modbus.Timing)
    pace: probe.Pace = field(default_factory=probe.Pace)
    verify_url: str = ""
    verify_seconds: float = 30.0
    lock_seconds: float = 60.0
    forget: Sequence[str] = ()
    absent_after_s: float | None = None
    check_mode: bool = False
    unsettled_only: bool = False


@dataclass(frozen=True)
class Result:
    """What was found and what was (or in check mode would be) done."""

    plan: Plan
    findings: tuple[Finding, ...]
    files: Files
    addresses: int
    seconds: float
    check_mode: bool

    @property
    def changed(self) -> bool:
        return bool(self.files) or self.plan.changes_registry

    def as_dict(self) -> dict[str, object]:
        """The result as plain values: the JSON of the command line and the return of the module."""
        answered = {(finding.ip, finding.port) for finding in self.findings if finding.verdict != SILENT}
        found = _places_found(self.findings)
        return {
            "changed": self.changed,
            "check_mode": self.check_mode,
            "scan": {
                "addresses": self.addresses,
                "answered": len(answered),
                "seconds": round(self.seconds, 3),
            },
            "meters": [_meter(key, meter, meter.place in found) for key, meter in sorted(self.plan.meters.items())],
            "findings": [asdict(finding) for finding in self.findings],
            "changes": [asdict(change) for change in self.plan.changes],
            "files": {"added": self.files.added, "changed": self.files.changed, "removed": self.files.removed},
            "problems": list(self.plan.problems),
        }

    def diff(self) -> list[dict[str, str]]:
        """The registry and each file before and after, in the form that Ansible shows."""
        before, after = (
            registry.dump(registry.without_observations(side)) for side in (self.plan.before, self.plan.meters)
        )
        texts = [("registry", before, after)] if before != after else []
        sides = (self.files.before, self.files.after)
        texts += [(name, *(side[name] or "" for side in sides)) for name in sorted(self.files.after)]
        return [
            {"before_header": name, "after_header": name, "before": before, "after": after}
            for name, before, after in texts
        ]


def discover(settings: Settings, progress: probe.Progress | None = None) -> Result:
    """Run one discovery. AcuvimError means that nothing was changed, or that it was put back."""
    try:
        if settings.check_mode or not settings.registry:
            return _run(settings, progress)
        with locked(f"{settings.registry}.lock", settings.lock_seconds) as note:
            return _run(settings, _noting(note, progress))
    except OSError as error:
        raise AcuvimError(f"{error.filename or 'system'}: {error.strerror or error}") from error


def _noting(note: Callable[[str], None], progress: probe.Progress | None) -> probe.Progress:
    """Whoever waits for this run reads how far it is, also where nobody watches its output."""

    def told(done: int, total: int) -> None:
        if done % _NOTE_EVERY == 0 or done == total:
            note(f", {done} of {total} addresses asked")
        if progress:
            progress(done, total)

    return told


def _run(settings: Settings, progress: probe.Progress | None) -> Result:
    began = time.monotonic()
    known = registry.load(settings.registry) if settings.registry else {}
    hosts = [host for host in settings.targets.hosts() if not (settings.unsettled_only and _is_settled(host, known))]
    images = _scan(settings, hosts, progress)
    seconds = time.monotonic() - began
    findings = [identify(image) for image in images]
    decided = plan(
        known,
        settings.targets,
        findings,
        now=_now(),
        forget=settings.forget,
        alive=_alive(settings, known, findings),
        absent_after_s=settings.absent_after_s,
    )
    files = _files(settings, decided)
    if not settings.check_mode:
        _carry_out(settings, decided, files, findings)
    told = tuple(finding for finding in findings if _is_worth_telling(finding, settings.targets, decided))
    return Result(decided, told, files, len(hosts), seconds, settings.check_mode)


def _scan(settings: Settings, hosts: list[Host], progress: probe.Progress | None) -> list[probe.Image]:
    """Ask all hosts, those of a slow network no faster than it bears."""
    by_rate: dict[float, list[Host]] = {}
    for host in hosts:
        rate = settings.polling.connects_per_second(host.ip, settings.pace.connects_per_second)
        by_rate.setdefault(rate, []).append(host)
    images: list[probe.Image] = []
    for rate, group in by_rate.items():
        pace = replace(settings.pace, connects_per_second=rate)
        images += probe.scan(group, settings.timing, pace, progress)
    return images


def _is_settled(host: Host, known: registry.Meters) -> bool:
    units = {
        meter.unit
        for meter in known.values()
        if (meter.ip, meter.port) == (host.ip, host.port) and _has_shown_all(meter)
    }
    return bool(units) and units >= set(host.units)


def _has_shown_all(meter: registry.Meter) -> bool:
    return meter.is_polled and meter.power_scale is not None and not meter.missing_since


def _alive(settings: Settings, known: registry.Meters, findings: list[Finding]) -> set[tuple[str, int, int]]:
    """Polled meters that the scan missed and whose samples arrive: Telegraf may hold their last connection."""
    found = _places_found(findings)
    missed = {meter.system_id: meter.place for meter in known.values() if meter.is_polled and meter.place not in found}
    if not settings.verify_url or not missed:
        return set()
    since = time.time() - _FRESH_S - _two_polls(settings)
    without = samples.wait_for_samples(settings.verify_url, missed, since, 0)
    return {place for system_id, place in missed.items() if system_id not in without}


def _files(settings: Settings, decided: Plan) -> Files:
    if not settings.folder:
        return Files({}, {})
    polled = [meter for meter in decided.meters.values() if meter.is_polled]
    return settings.folder.difference(render(polled, settings.template, settings.polling, settings.targets))


def _carry_out(settings: Settings, decided: Plan, files: Files, findings: list[Finding]) -> None:
    if files:
        expected = _expected(settings, decided, files, findings) if settings.verify_url else []
        settings.folder.place(files)
        _prove(settings, files, expected)
    if settings.registry and decided.meters != decided.before:
        registry.save(settings.registry, decided.meters)
    if settings.metrics_file:
        qualities = _qualities(settings, decided)
        metrics.write(settings.metrics_file, decided.meters.values(), len(decided.problems), time.time(), qualities)


def _qualities(settings: Settings, decided: Plan) -> dict[str, quality.Quality]:
    """By system, of the meters that are polled and whose samples can be read."""
    if not settings.verify_url:
        return {}
    now = time.time()
    recent = samples.recent(settings.verify_url, now - _FRESH_S - 2 * _two_polls(settings))
    counts = samples.counts(settings.verify_url, _GAPS_S)
    judged = {}
    for meter in decided.meters.values():
        if meter.is_polled and recent.get(meter.system_id):
            gap = _gap(settings, meter, counts.get(meter.system_id, 0), now)
            judged[meter.system_id] = quality.judge(recent[meter.system_id], gap)
    return {system_id: found for system_id, found in judged.items() if found}


def _gap(settings: Settings, meter: registry.Meter, received: int, now: float) -> float | None:
    """None for a meter that is known for less than the time that is looked at."""
    if now - datetime.datetime.fromisoformat(meter.first_seen).timestamp() < _GAPS_S:
        return None
    line = settings.targets.line_for(*meter.place)
    every_ms = settings.polling.frequency_ms(meter.ip, line, meter.has_fast_read)
    return quality.gap_ratio(received, _GAPS_S, every_ms / 1000)


def _expected(settings: Settings, decided: Plan, files: Files, findings: list[Finding]) -> list[str]:
    """Systems that must have samples after the change: those with a new file, and those that have samples now.

    Only what answered this scan; and a meter that brought none before shall not hold up the others.
    """
    found = _places_found(findings)
    polled = [meter.system_id for meter in decided.meters.values() if meter.is_polled and meter.place in found]
    without = samples.wait_for_samples(settings.verify_url, polled, time.time() - RELOAD_S - _two_polls(settings), 0)
    return [system_id for system_id in polled if system_id not in without or f"{system_id}.conf" in files.after]


def _prove(settings: Settings, files: Files, expected: list[str]) -> None:
    """See the samples arrive that Telegraf reads after its reload, or put the old files back."""
    patience = settings.verify_seconds + _two_polls(settings)
    late = samples.wait_for_samples(settings.verify_url, expected, time.time() + RELOAD_S, patience)
    if late:
        settings.folder.restore(files)
        raise AcuvimError(
            f"no sample of {', '.join(late)} reached {settings.verify_url} within {patience:.0f} s of the new files; "
            "the files before are back. Telegraf's log says why: docker logs telegraf --tail 50"
        )


def _two_polls(settings: Settings) -> float:
    return 2 * settings.polling.longest_ms(settings.targets.lines) / 1000


def _places_found(findings: Iterable[Finding]) -> set[tuple[str, int, int | None]]:
    return {(finding.ip, finding.port, finding.unit) for finding in findings if finding.verdict in (METER, PROBABLE)}


def _is_worth_telling(finding: Finding, targets: Targets, decided: Plan) -> bool:
    """A network is mostly silence: only a silent address that was named or had a meter is news."""
    if finding.verdict != SILENT or targets.lists_host(finding.ip, finding.port):
        return True
    return any((meter.ip, meter.port) == (finding.ip, finding.port) for meter in decided.meters.values())


def _meter(key: str, meter: registry.Meter, is_found: bool) -> dict[str, object]:
    names = {"system_id": meter.system_id, "device": meter.device} if meter.logger else {}
    return {"key": key, **names, **asdict(meter), "polled": meter.is_polled, "found": is_found}


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
