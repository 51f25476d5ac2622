"""What happens with found meters: one table, planned in check mode, carried out, run again.

The module itself, meters behind TCP, Telegraf's own check of every set of files.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.lock import locked
from ansible_collections.ovr.edge.plugins.modules import acuvim_discover, acuvim_info

from tests.parts import telegraf
from tests.unit.acuvim.endpoints import holding, serving
from tests.unit.acuvim.images import DEAD, acuvim, load

pytestmark = pytest.mark.real

FIRST, SECOND = "127.10.4.33", "127.10.4.34"
EVERYWHERE = "127.10.4.32/29"


@dataclass(frozen=True)
class World:
    """Which serial answers at which address, and the lines of the targets file; `{port}` is filled in."""

    meters: dict[str, str]
    lines: tuple[str, ...] = (f"{EVERYWHERE} port={{port}}",)
    options: dict = field(default_factory=dict)


@contextlib.contextmanager
def meters(world: World, port: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for ip, serial in world.meters.items():
            stack.enter_context(serving(holding(acuvim(load(), serial).words), ip, port=port))
        yield


class Site:
    """The box and its meters; the module is run as Ansible runs it, without Ansible's start."""

    def __init__(self, box, port, capsys):
        self.box, self.port, self._capsys = box, port, capsys
        config = box.folder / "telegraf.conf"
        config.write_text(telegraf.configuration("http://127.0.0.1:1/write", box.folder / "buffer", 1))
        self._check = [
            *("env", "TELEGRAF_BUFFER_STRATEGY=memory", *telegraf.check_command()),
            *(f"--config={config}", "--config-directory={path}"),
        ]

    def write_targets(self, world: World) -> None:
        self.box.targets.write_text("\n".join(world.lines).format(port=self.port) + "\n")

    def answer(self, world: World, check: bool = False) -> dict:
        """What the module says, be it a failure."""
        self.write_targets(world)
        asked = {"targets_file": str(self.box.targets), "telegraf_check": self._check, **self.box.paths}
        asked |= {**world.options, "_ansible_check_mode": check}
        with meters(world, self.port), patch_module_args(asked), pytest.raises(SystemExit):
            acuvim_discover.main()
        return json.loads(self._capsys.readouterr().out)

    def run(self, world: World, check: bool = False) -> dict:
        answer = self.answer(world, check)
        assert "msg" not in answer, answer["msg"]
        return answer

    def been_missing_since(self, when: str) -> None:
        """Turn the clock of what is missing back, as if it had been so for long."""
        stored = json.loads(self.box.registry.read_text())
        for meter in stored["meters"].values():
            if meter["missing_since"]:
                meter["missing_since"] = when
        self.box.registry.write_text(json.dumps(stored))


@pytest.fixture
def site(box, port, capsys):
    return Site(box, port, capsys)


def plan_of(answer: dict) -> dict:
    return {key: answer[key] for key in ("changed", "changes", "files", "problems")}


def words_of(answer: dict) -> set[tuple[str, str]]:
    return {(change["meter"], change["what"]) for change in answer["changes"]}


ONE = World({FIRST: "A"})
BOTH = World({FIRST: "A", SECOND: "B"})
GONE = World({})
POLICY = World({}, options={"absent_after": "30d"})
LISTED_AWAY = World({}, lines=("",))
OUT_OF_SERVICE = World({FIRST: "A"}, lines=(f"{FIRST} port={{port}} state=absent",))
FILE_1, FILE_2 = "acuvim_11.conf", "acuvim_12.conf"

# What was there (one world after the other), what is there now, the changes by key, and the files afterwards.
TABLE = {
    "add": ([], ONE, {("A", "new")}, {FILE_1}),
    "add a second": ([ONE], BOTH, {("B", "new")}, {FILE_1, FILE_2}),
    "missed": ([BOTH], ONE, set(), {FILE_1, FILE_2}),
    "all missed": ([BOTH], GONE, set(), {FILE_1, FILE_2}),
    "move": ([ONE], World({SECOND: "A"}), {("A", "moved")}, {FILE_1}),
    "swap at one address": ([ONE], World({FIRST: "B"}), {("A", "displaced"), ("B", "new")}, {FILE_2}),
    "two exchanged": ([BOTH], World({FIRST: "B", SECOND: "A"}), {("A", "moved"), ("B", "moved")}, {FILE_1, FILE_2}),
    "same serial twice": ([ONE], World({FIRST: "A", SECOND: "A"}), set(), {FILE_1}),
    "same serial twice, both new": ([], World({FIRST: "A", SECOND: "A"}), {("A", "new")}, {FILE_1}),
    "de-list": ([ONE], LISTED_AWAY, {("A", "delisted")}, set()),
    "listed again": ([ONE, LISTED_AWAY], ONE, {("A", "returned")}, {FILE_1}),
    "displaced, then found elsewhere": (
        [ONE, World({FIRST: "B"})], World({FIRST: "B", SECOND: "A"}),
        {("A", "moved"), ("A", "returned")}, {FILE_1, FILE_2},
    ),
    "quarantine by its line": ([ONE], OUT_OF_SERVICE, {("A", "absent")}, set()),
    "quarantine lifted": ([ONE, OUT_OF_SERVICE], ONE, {("A", "returned")}, {FILE_1}),
    "missing too long": ([ONE, GONE], POLICY, {("A", "absent")}, set()),
    "back after it was missing too long": ([ONE, GONE, POLICY], ONE, {("A", "returned")}, {FILE_1}),
    "forgotten, number given on": (
        [BOTH],
        World({SECOND: "B"}, (f"{SECOND} port={{port}} logger=1",), {"forget": ["A"]}),
        {("A", "forgotten"), ("B", "numbered")}, {FILE_1},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "now", "words", "files"), TABLE.values(), ids=TABLE)
def test_what_is_planned_is_done_and_done_once(site, before, now, words, files):
    for world in before:
        site.run(world)
        site.been_missing_since("2026-01-01T00:00:00+00:00")
    as_before = (site.box.files(), registry_of(site))

    planned = site.run(now, check=True)
    untouched = (site.box.files(), registry_of(site))
    done = site.run(now)
    again = site.run(World(now.meters, now.lines, {**now.options, "forget": []}))

    assert untouched == as_before
    assert plan_of(planned) == plan_of(done)
    assert words_of(done) == words
    assert set(site.box.files()) == files
    assert (again["changed"], again["changes"]) == (False, [])
    assert done["changed"] is bool(words)


@pytest.mark.parametrize("pause", [LISTED_AWAY, OUT_OF_SERVICE, POLICY], ids=["de-listed", "quarantined", "missing"])
def test_the_file_of_a_meter_is_parked_and_returns_unchanged(site, pause):
    site.run(ONE)
    file = site.box.files()[FILE_1]
    site.run(GONE)
    site.been_missing_since("2026-01-01T00:00:00+00:00")
    site.run(pause)
    parked = (site.box.folder / "staging" / "removed" / FILE_1).read_text()
    site.run(ONE)

    assert parked == file
    assert site.box.files() == {FILE_1: file}


def registry_of(site: Site) -> str:
    return site.box.registry.read_text() if site.box.registry.exists() else ""


def test_two_at_once_come_one_after_the_other(site):
    with meters(ONE, site.port):
        site.write_targets(ONE)
        with ThreadPoolExecutor() as pool:
            answers = list(pool.map(lambda _: site.box.discover(), range(3)))

    assert sorted(answer["changed"] for answer in answers) == [False, False, True]
    assert all([meter["system_id"] for meter in answer["meters"]] == ["acuvim_11"] for answer in answers)


def test_module_and_command_say_who_holds_the_registry(site):
    with locked(f"{site.box.registry}.lock", 0):
        refused = site.answer(World(ONE.meters, options={"lock_seconds": 0.1}))
        said = site.box.try_discover("--lock-seconds=0.1")
        planned = site.run(ONE, check=True)

    assert refused["failed"]
    assert f"held by process {os.getpid()}" in refused["msg"]
    assert (said.returncode, f"held by process {os.getpid()}" in said.stderr) == (1, True)
    assert planned["files"]["added"] == [FILE_1]


def test_facts_are_told_without_a_trace(site, capsys):
    site.run(ONE)
    before = (site.box.files(), registry_of(site))
    site.write_targets(BOTH)
    asked = {"targets_file": str(site.box.targets), "registry": str(site.box.registry)}
    with meters(BOTH, site.port), patch_module_args(asked), pytest.raises(SystemExit):
        acuvim_info.main()
    told = json.loads(capsys.readouterr().out)

    assert [(meter["system_id"], meter["found"]) for meter in told["meters"]] == [
        ("acuvim_11", True),
        ("acuvim_12", True),
    ]
    assert any("SunSpec block of Accuenergy" in line for line in told["table"])
    assert (told["changed"], (site.box.files(), registry_of(site))) == (False, before)


def test_what_is_only_probable_is_kept_and_shown_and_never_enabled(site):
    with serving(holding(acuvim(DEAD, serial=None).words), FIRST, port=site.port):
        told = [site.run(GONE) for _ in range(2)]

    assert [meter["state"] for meter in told[1]["meters"]] == ["probable"]
    assert any("probable (no signal)  all live values are 0" in line for line in told[1]["table"])
    assert site.box.files() == {}
