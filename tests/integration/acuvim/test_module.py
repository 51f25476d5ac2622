"""The module, run by Ansible: check mode, diff, second run, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.cache import REPO

pytestmark = pytest.mark.real


def run(box, *flags: str, **parameters) -> dict:
    """The module's answer, as Ansible has it."""
    bin_folder = Path(sys.executable).parent
    asked = {"targets_file": str(box.targets), **box.paths, **parameters}
    done = subprocess.run(
        [
            *(bin_folder / "ansible", "localhost", "-m", "ovr.edge.acuvim_discover", "-a", json.dumps(asked)),
            *("-e", f"ansible_python_interpreter={sys.executable}", *flags),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPO,
        env={
            **os.environ,
            "ANSIBLE_HOME": str(REPO / ".ansible"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        },
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"]["localhost"]


@pytest.fixture
def listed(box, meter, port):
    meter("127.10.4.21", "sim_21")
    meter("127.10.4.22", "sim_22", kilowatts=True)
    box.targets.write_text(f"127.10.4.20/30 port={port}\n")
    return box


def planned(answer: dict) -> dict:
    return {key: answer[key] for key in ("changed", "changes", "files", "problems")}


def test_check_mode_tells_the_plan_that_is_then_carried_out_once(listed):
    predicted = run(listed, "--check", "--diff")
    untouched = (listed.files(), listed.registry.exists())
    real = run(listed, "--diff")
    again = run(listed, "--diff")

    assert untouched == ({}, False)
    assert planned(predicted) == planned(real)
    assert real["changed"]
    assert real["files"]["added"] == ["acuvim_11.conf", "acuvim_12.conf"]
    assert [entry["after_header"] for entry in real["diff"]] == ["registry", "acuvim_11.conf", "acuvim_12.conf"]
    assert listed.files() == {entry["after_header"]: entry["after"] for entry in real["diff"][1:]}
    assert (again["changed"], again["changes"], again["diff"]) == (False, [], [])


def test_the_answer_describes_each_meter(listed):
    answer = run(listed)

    first, second = answer["meters"]
    assert [first[key] for key in ("system_id", "ip", "power_scale", "polled")] == ["acuvim_11", "127.10.4.21", 1, True]
    assert [second[key] for key in ("system_id", "ip", "power_scale")] == ["acuvim_12", "127.10.4.22", 1000]
    assert answer["scan"]["addresses"] == 2
    assert all(one["verdict"] == "meter" and one["evidence"] for one in answer["findings"])


def test_wiring_is_judged_where_a_meter_shows_its_angles(box, meter, port):
    meter("127.10.4.21", "sim_21", wired=",turned=b")
    meter("127.10.4.22", "sim_22", wired=",exchanged=bc")
    box.targets.write_text(f"127.10.4.20/30 port={port}\n")
    told = run(box)

    assert [one["wiring_faults"] for one in told["meters"]] == [["reversed_ct"], ["phase_swap"]]
    assert sum("transformer" in problem for problem in told["problems"]) == 2
    rows = [line.split() for line in told["table"]]
    assert ["acuvim_11", "reversed_ct", "Vb", "120°"] in [row[:4] for row in rows]
    published = (box.folder / "acuvim.prom").read_text()
    assert 'acuvim_wiring_fault{system_id="acuvim_11",kind="reversed_ct"} 1' in published
    assert 'acuvim_wiring_fault{system_id="acuvim_12",kind="phase_swap"} 1' in published
    assert 'acuvim_wiring_fault{system_id="acuvim_12",kind="reversed_ct"} 0' in published


def test_script_and_module_know_the_same_meters(listed):
    run(listed)

    told = listed.discover()

    assert (told["changed"], told["changes"]) == (False, [])


def test_a_bad_line_fails_with_its_remedy_and_changes_nothing(listed):
    listed.targets.write_text("10.10.4.300\n")

    answer = run(listed)

    assert answer["failed"]
    assert "line 1: '10.10.4.300' is not an address or network" in answer["msg"]
    assert listed.files() == {}


def test_without_registry_and_folder_it_only_looks(listed):
    answer = run(listed, registry="", telegraf_dir="", metrics_file="")

    assert len(answer["meters"]) == 2
    assert (listed.files(), listed.registry.exists()) == ({}, False)
