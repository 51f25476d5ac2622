"""Run a small play on this machine and read what each host answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (REPO / "roles").iterdir())


def run(folder: Path, tasks: list[dict], hosts: dict[str, dict]) -> dict[str, list[dict]]:
    """Run tasks on local hosts with the given variables; host → results in order. A failed host does not raise."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"all": {"hosts": {name: local | variables for name, variables in hosts.items()}}}
    (folder / "ansible.cfg").write_text("")
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "hosts.yml", "play.yml"],
        cwd=folder,
        env={**os.environ, **_environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        plays = json.loads(done.stdout)["plays"]
    except (ValueError, KeyError) as error:
        raise RuntimeError(f"ansible-playbook said no JSON:\n{done.stdout}\n{done.stderr}") from error
    return {
        name: [task["hosts"][name] for play in plays for task in play["tasks"] if name in task["hosts"]]
        for name in hosts
    }


def known(role: str) -> dict:
    """A task that does nothing but make a role's variables known to the play."""
    return {"ansible.builtin.import_role": {"name": f"ovr.edge.{role}"}, "when": False}


def defaults(role: str) -> dict:
    """The defaults of a role as they are written, templates unrendered."""
    return yaml.safe_load((REPO / "roles" / role / "defaults" / "main.yml").read_text())


def entry_points(role: str) -> dict[str, dict]:
    """The argument specs of a role: entry point → options."""
    specs = yaml.safe_load((REPO / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    return {name: spec.get("options", {}) for name, spec in specs.items()}


def _environment() -> dict[str, str]:
    return {
        "ANSIBLE_HOME": str(REPO / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(REPO / ".ansible" / "collections"),
        "ANSIBLE_CONFIG": "ansible.cfg",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_INJECT_FACT_VARS": "false",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
    }
