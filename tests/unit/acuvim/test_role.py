"""Role, command on the box and compose project agree."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import __main__ as command_line
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.discover import RELOAD_S
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.settings import DEFAULTS

from tests.unit.ansible import play

ROLES = Path(__file__).parents[3] / "roles"


def read(*parts: str):
    return yaml.safe_load(ROLES.joinpath(*parts).read_text())


def test_playbook_and_command_run_the_discovery_with_the_same_options():
    """The command takes all of __acuvim_options."""
    tasks = read("acuvim", "tasks", "find.yml")
    (given,) = [task["ovr.edge.acuvim_discover"] for task in tasks if "ovr.edge.acuvim_discover" in task]
    shared = read("acuvim", "vars", "main.yml")["__acuvim_options"]

    assert set(shared) <= set(DEFAULTS)
    assert {name: given[name] for name in shared} == {name: f"{{{{ __acuvim_options.{name} }}}}" for name in shared}
    assert set(given) - set(shared) == {"targets", "targets_file", "telegraf_check", "forget"}


def test_samples_count_only_after_telegraf_has_taken_the_new_files():
    flags = " ".join(read("stack", "defaults", "main.yml")["stack_services"]["telegraf"]["command"])
    waits = re.findall(r"--watch-(?:interval|debounce-interval)=(\d+)s", flags)

    assert len(waits) == 2
    assert sum(map(int, waits)) <= RELOAD_S


def test_the_check_runs_where_the_staging_folder_is_mounted():
    check = read("acuvim", "vars", "main.yml")["__acuvim_check"]
    mounts = read("stack", "defaults", "main.yml")["stack_services"]["telegraf"]["mounts"]

    assert {"source": "{{ stack_root }}/telegraf", "target": "/etc/telegraf"} in mounts
    assert check[-1] == "--config-directory=/etc/telegraf/staging/{run}"
    assert "--env=TELEGRAF_BUFFER_STRATEGY=memory" in check


def test_the_command_hands_on_what_the_inventory_says(tmp_path):
    template = ROLES / "acuvim" / "templates" / "telegraf_discover_acuvim.sh.j2"
    site = {"acuvim_networks": {"10.10.4.0/24": "wired"}, "acuvim_burst": True, "acuvim_absent_after": "30d"}
    text = {"ansible.builtin.debug": {"msg": f"{{{{ lookup('ansible.builtin.template', '{template}') }}}}"}}
    script = play.run(tmp_path, [play.known("acuvim"), text], {"box": site})["box"][-1]["msg"]
    words = shlex.split(script.replace("\\\n", " ").split("-m acuvim", 1)[1].replace('"$@"', ""))

    taken = command_line.parser().parse_args(words)
    assert (taken.networks, taken.burst, taken.absent_after) == ({"10.10.4.0/24": "wired"}, True, "30d")
    assert (taken.interval, taken.connects_per_second, taken.forget) == ("1s", 800.0, [])
