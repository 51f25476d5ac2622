"""Preflight names every fault of a site in a sentence, from the inventory and from the machine."""

from __future__ import annotations

import base64
import json
import re

import pytest
import yaml

from tests.unit.ansible import play

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = {
    name: {"name": name, "tag": "1", "digest": DIGEST}
    for name in ("victoria-metrics", "vmagent", "telegraf", "event-service", "node-exporter")
}
SITE = {"system_id": "rig_01", "node_id": "box", "stack_images": IMAGES}
WITHOUT = object()


def site(**changes) -> dict:
    return {name: value for name, value in (SITE | changes).items() if value is not WITHOUT}


# id: (variables, what the only fault says; nothing where the site is good)
INVENTORIES = {
    "a complete site": (site(), None),
    "any printable system": (site(system_id="Rig №1, north (50 kW)"), None),
    "no system": (site(system_id=WITHOUT), r"system_id is missing: name the rig .* for example `system_id: rig_01`"),
    "an empty system": (site(system_id="  "), "system_id is missing"),
    "a line break": (site(system_id="rig\n01"), "holds a control character"),
    "a quote": (site(system_id="rig's"), "holds a control character, a quote"),
    "a node with a comma": (site(node_id="a,b"), 'node_id "a,b" is no plain name'),
    "a deployment with a space": (site(deployment_id="the fleet"), "deployment_id .* is no plain name"),
    "a relative mount": (site(data_mount="data"), "data_mount .* must be an absolute path"),
    "a short digest": (
        site(stack_images=IMAGES | {"telegraf": {"name": "telegraf", "tag": "1", "digest": "sha256:12"}}),
        "stack_images has no digest .* for telegraf:",
    ),
    "a missing image": (
        site(stack_images={name: image for name, image in IMAGES.items() if name != "vmagent"}),
        "no digest .* for vmagent:",
    ),
    "no digests, built on the box": (site(stack_images=WITHOUT, stack_mode="dev"), None),
    "an unknown service opened": (site(stack_publish={"grafana": "0.0.0.0"}), "stack_publish names grafana"),
    "a slip of the pen": (site(stack_pubish={}), r"no role knows stack_pubish \(did you mean stack_publish\?\)"),
}

THREE_FAULTS = site(system_id=WITHOUT, node_id="a b", stack_pubish={})

DISK = {"source": "/dev/sda1", "options": "rw,noatime", "avail": 50_000_000_000}
FACTS = {
    "distribution": "Debian",
    "distribution_version": "13.2",
    "distribution_major_version": "13",
    "service_mgr": "systemd",
    "python_version": "3.13.5",
    "architecture": "x86_64",
}


def machine(disk=DISK, facts=None, device=None, deployed=False, marker=None, **variables) -> dict:
    """What preflight saw of a machine, as variables of a host."""
    return {
        **SITE,
        **variables,
        "seen_facts": FACTS | (facts or {}),
        "__preflight_findmnt": {"rc": 0, "stdout": json.dumps({"filesystems": [disk]})} if disk else {"rc": 1},
        "__preflight_device": {"skipped": True} if device is None else {"stat": {"exists": True, "isblk": device}},
        "__preflight_deployed": {"stat": {"exists": deployed}},
        "__preflight_marker": {"content": base64.b64encode(marker.encode()).decode()} if marker else {},
    }


MARK = "# a comment\nsystem_id=rig_01\n"
MACHINES = {
    "a good machine": (machine(), None),
    "a good ARM machine": (machine(facts={"architecture": "aarch64"}), None),
    "a deployed machine": (machine(deployed=True, marker=MARK), None),
    "Debian 12": (
        machine(facts={"distribution_version": "12.5", "distribution_major_version": "12"}),
        "runs Debian 12.5: install Debian 13",
    ),
    "no systemd": (machine(facts={"service_mgr": "sysvinit"}), "was started by sysvinit, not by systemd"),
    "an old Python": (machine(facts={"python_version": "3.9.2"}), "has Python 3.9.2: point ansible_python_interpreter"),
    "another architecture": (machine(facts={"architecture": "armv7l"}), "is a armv7l machine"),
    "no disk": (
        machine(disk=None),
        "no disk is mounted at /mnt/esata: mount the data disk there, or set storage_device",
    ),
    "a disk to be mounted": (machine(disk=None, device=True, storage_device="/dev/sda1"), None),
    "a device that is none": (
        machine(disk=None, device=False, storage_device="/dev/sda1"),
        "storage_device /dev/sda1 is not a block device .*: plug the disk in, or correct the path",
    ),
    "a read-only disk": (
        machine(disk=DISK | {"options": "ro,noatime"}),
        "mounted read-only: look for errors of /dev/sda1",
    ),
    "a full disk": (machine(disk=DISK | {"avail": 9_400_000_000}), r"has 9.4 GB free of the 10.0 GB"),
    "an unmarked disk in a deployed box": (machine(deployed=True), "not the one that this box was deployed with"),
    "an unmarked disk, taken over": (machine(deployed=True, preflight_adopt_disk=True), None),
    "the disk of another rig": (machine(marker="system_id=rig_02\n"), "holds data of rig_02, not of rig_01"),
    "the disk of another rig, taken over": (machine(marker="system_id=rig_02\n", preflight_adopt_disk=True), None),
}


@pytest.fixture(scope="module")
def judged_inventories(tmp_path_factory):
    cases = {name: case[0] for name, case in INVENTORIES.items()}
    return judge(tmp_path_factory.mktemp("inventories"), "inventory", cases | {"three faults": THREE_FAULTS})


@pytest.fixture(scope="module")
def judged_machines(tmp_path_factory):
    return judge(tmp_path_factory.mktemp("machines"), "machine", {name: case[0] for name, case in MACHINES.items()})


@pytest.mark.parametrize("name", INVENTORIES)
def test_an_inventory_is_refused_for_its_fault_alone(judged_inventories, name):
    assert_faults(judged_inventories[name], INVENTORIES[name][1])


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_refused_for_its_fault_alone(judged_machines, name):
    assert_faults(judged_machines[name], MACHINES[name][1])


def test_all_faults_are_named_at_once(judged_inventories):
    assert len(judged_inventories["three faults"]) == 3


def test_preflight_holds_no_task_that_changes_a_machine():
    """Every module of the role only looks; what it runs on the machine says so."""
    tasks = [task for name in ("main", "inventory", "look", "machine") for task in tasks_of(name)]

    assert all(used_module(task) in LOOKS for task in tasks)
    commands = [task for task in tasks if used_module(task) == "ansible.builtin.command"]
    assert all(task["changed_when"] is False and task["check_mode"] is False for task in commands)


LOOKS = {f"ansible.builtin.{name}" for name in ("import_tasks", "assert", "setup", "command", "stat", "slurp")}


def tasks_of(name: str) -> list[dict]:
    return yaml.safe_load((play.REPO / "roles" / "preflight" / "tasks" / f"{name}.yml").read_text())


def used_module(task: dict) -> str:
    return next(key for key in task if "." in key)


def judge(folder, tasks_from: str, cases: dict[str, dict]) -> dict[str, list[str]]:
    """Run one half of preflight on a host per case; case → faults."""
    # "cacheable" makes them facts instead of variables.
    see = {name: f"{{{{ seen_facts.{name} }}}}" for name in FACTS} | {"cacheable": True}
    hosts = {f"host{number}": variables for number, variables in enumerate(cases.values())}
    answers = play.run(
        folder,
        [
            {"ansible.builtin.set_fact": see, "when": "seen_facts is defined"},
            {"ansible.builtin.import_role": {"name": "ovr.edge.preflight", "tasks_from": tasks_from}},
            play.known("storage"),
            play.known("stack"),
        ],
        hosts,
    )
    return {name: faults(answers[host]) for name, host in zip(cases, answers, strict=True)}


def faults(results: list[dict]) -> list[str]:
    failed = [result for result in results if result.get("failed")]
    assert all(isinstance(result["msg"], list) for result in failed), failed
    return [text for result in failed for text in result["msg"]]


def assert_faults(found: list[str], expected: str | None) -> None:
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1, found
        assert re.search(expected, found[0]), found[0]
