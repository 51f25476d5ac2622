"""The playbook that only discovers, on a box whose other parts are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.acuvim.conftest import TEMPLATE
from tests.lab.cache import REPO
from tests.unit.acuvim.endpoints import holding, serving
from tests.unit.acuvim.images import acuvim, load

pytestmark = pytest.mark.real


@pytest.fixture
def stack(tmp_path):
    """What the roles stack and acuvim have left in /opt/stack."""
    for name in ("telegraf.d", "staging", "templates"):
        (tmp_path / "telegraf" / name).mkdir(parents=True)
    (tmp_path / "telegraf" / "telegraf.conf").write_text("")
    (tmp_path / "telegraf" / "templates" / "acuvim_modbus.tpl").write_text(TEMPLATE.read_text())
    return tmp_path


def play(stack: Path, *words: str, **variables) -> tuple[dict, dict]:
    """Run the playbook on this machine as its box; the results of its tasks by name, and the counts."""
    given = {
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "acuvim_stack": str(stack),
        "acuvim_registry": str(stack / "registry.json"),
        "acuvim_textfile_directory": str(stack),
        "acuvim_victoria_metrics": "",
        "__acuvim_check": [],
        **variables,
    }
    inventory = stack / "hosts.yml"
    inventory.write_text(json.dumps({"edge": {"hosts": {"box": {"ansible_connection": "local"}}}}))
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("ansible-playbook"), REPO / "playbooks" / "discover.yml", "-i", inventory),
            *("-e", json.dumps(given), *words),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPO,
        env={**os.environ, "ANSIBLE_HOME": str(REPO / ".ansible"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
    )
    said = json.loads(done.stdout[done.stdout.index("{") :])
    tasks = {task["task"]["name"]: task["hosts"].get("box", {}) for task in said["plays"][0]["tasks"]}
    return tasks, said["stats"]["box"]


def test_it_shows_what_answers_and_why_and_check_mode_tells_it_before(stack):
    with serving(holding(acuvim(load()).words)) as (ip, port):
        targets = {"acuvim_targets": [f"{ip} port={port} name=generator"]}
        planned, _ = play(stack, "--check", **targets)
        before = list((stack / "telegraf" / "telegraf.d").iterdir())
        tasks, stats = play(stack, **targets)

    (table,) = [tasks[name]["__acuvim_found.table"] for name in tasks if "Show meters" in name]
    assert any("SunSpec block of Accuenergy, model Acuvim II" in line for line in table)
    assert any("power in W: S / (V·I) = 1" in line for line in table)
    assert [file.name for file in (stack / "telegraf" / "telegraf.d").iterdir()] == ["acuvim_11.conf"]
    assert before == []
    assert [found["changes"] for found in found_in(planned)] == [found["changes"] for found in found_in(tasks)]
    assert stats["failures"] == 0


def found_in(tasks: dict) -> list[dict]:
    return [result for name, result in tasks.items() if "Find the meters and write" in name]
