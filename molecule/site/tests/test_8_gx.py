"""The exporter on the GX, put there by the role from the box: edited, newer, back, after new firmware, gone.

The GX has busybox, a read-only root, RAM in /service and in the spool of its cron, and only /data that stays.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.lab import cache
from tests.lab.deploy import DEMO_INVENTORY
from tests.lab.machine import Machine
from tests.lab.rig import GX_MEMORY
from tests.parts.process import wait_until

# All need the box: pytest would run those that do not out of order.
pytestmark = pytest.mark.usefixtures("host")

ROLE = {"name": "ovr.edge.gx_exporter"}
HOME = "/data/dbus2prom"
MAP = f"{HOME}/map_fast.tsv"
ROW = "com.victronenergy.vebus.*\t/Ac/Out/P\tvictron_my_power\tac_out\tpower\t-\t-"
CRON_LINE = f"* * * * * {HOME}/watchdog.sh >/dev/null 2>&1"
# Host keys and the key that a person allowed are not the role's; logs of other services grow by themselves.
LISTING = """
find / -xdev -not -path '/proc/*' | sort
for folder in /data /run /tmp /var/spool/cron /var/volatile; do find $folder | sort; done
find /data -type f -not -path '/data/keys/*' -not -path '/data/home/*' -exec md5sum {} +
crontab -l 2>&1 || true
"""


@pytest.fixture
def role(rig):
    """Run the role's entries one after another on the box; what the module answered each time."""

    def run(*runs: dict) -> list[dict]:
        tasks = [
            {
                "ansible.builtin.import_role": {**ROLE, "tasks_from": each.get("entry", "main")},
                "check_mode": each.get("check", False),
                "diff": True,
                "vars": each.get("vars", {}),
            }
            for each in runs
        ]
        play = {"hosts": "edge", "become": True, "gather_facts": False, "tasks": tasks}
        file = rig.folder / "gx.yml"
        file.write_text(yaml.safe_dump([play]))
        results = _play(rig, file)
        failed = [result["msg"] for result in results if result.get("failed")]
        assert failed == []
        return [result for result in results if "changes" in result]

    return run


def _play(rig, file: Path) -> list[dict]:
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", DEMO_INVENTORY, "-i", rig.inventory, file],
        cwd=cache.REPO,
        env={
            **os.environ,
            "ANSIBLE_HOME": str(cache.REPO / ".ansible"),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return [result for task in json.loads(done.stdout)["plays"][0]["tasks"] for result in task["hosts"].values()]


def same_plan(predicted: dict, done: dict) -> bool:
    parts = ("changed", "changes", "diff", "release", "before", "warnings")
    return [predicted.get(part) for part in parts] == [done.get(part) for part in parts]


@pytest.fixture(scope="module")
def cron_alone(gx):
    """Take away all that starts the watchdog but cron; the file by which it is seen to have run."""
    lock = "/run/dbus2prom/watchdog.lock"
    gx(f"svc -d /service/dbus2prom-watchdog; rm -f {lock}")
    yield lock
    gx("svc -u /service/dbus2prom-watchdog")


@pytest.mark.parametrize("port", [9480, 9481])
def test_a_command_of_the_original_works_on_the_gx(gx, port):
    answer = gx(f"curl -fsS -m 2 http://127.0.0.1:{port}/metrics | head -n 5")

    assert len(answer.splitlines()) == 5
    assert answer.startswith("# HELP ")


def test_both_ports_are_seen_by_the_netstat_of_busybox(gx):
    assert len(gx(r"busybox netstat -ltn | grep -E ':(9480|9481)\b'").splitlines()) == 2


def test_the_exporters_are_restarted_from_the_box_as_typed_in_the_original(rig, gx):
    before = gx("svstat /service/dbus2prom")
    said = rig.ssh('sudo ssh root@192.168.100.2 "/data/dbus2prom/run_exporters.sh"')

    assert said == "dbus2prom: both ports answer"
    assert gx("svstat /service/dbus2prom").split(")")[0] != before.split(")")[0]


@pytest.mark.usefixtures("cron_alone")
def test_a_map_edited_on_the_gx_is_scraped_and_its_rows_are_kept(gx, role, query):
    shipped = gx(f"cat {MAP}")
    gx(f"echo {shlex.quote(ROW)} >> {MAP} && {HOME}/run_exporters.sh")
    wait_until(lambda: query("victron_my_power"), 60, "the series of the new row", every=0.5)

    predicted, done, again = role({"check": True}, {}, {})

    assert same_plan(predicted, done)
    assert done["changes"][0] == f"keep {HOME}/map_fast.local.tsv"
    (shown,) = [part for part in done["diff"] if part["after_header"] == MAP]
    assert ROW in shown["before"]
    assert ROW not in shown["after"]
    assert any("1 rows are kept in map_fast.local.tsv" in warning for warning in done["warnings"])
    assert (again["changed"], again["changes"], again["diff"]) == (False, [], [])
    assert gx(f"cat {MAP}") == shipped
    assert gx(f"tail -n 1 {HOME}/map_fast.local.tsv") == ROW
    assert "victron_my_power{" in gx("curl -fsS -m 2 http://127.0.0.1:9480/metrics")


def test_another_version_is_predicted_installed_and_rolled_back(gx, role):
    newer = {"vars": {"gx_exporter_listen": "192.168.100.2"}}

    predicted, done, back, again = role({**newer, "check": True}, newer, {"entry": "rollback"}, {})

    assert same_plan(predicted, done)
    assert done["changes"][0] == f"install release {done['release']} in place of {done['before']}"
    assert (back["changed"], back["release"]) == (True, done["before"])
    assert not again["changed"], "what runs after the rollback is what the site asks for"
    assert gx(f"readlink {HOME}/previous") == f"releases/{done['release']}"


def test_cron_runs_the_watchdog(gx, cron_alone):
    wait_until(lambda: gx(f"ls {cron_alone} 2>/dev/null || true") == cron_alone, 120, "the watchdog by cron", every=1)


def test_after_new_firmware_the_gx_arms_itself(rig, gx, role, query):
    """Nobody logs in on the GX before its series are back."""
    began = time.time()
    rig.update_gx()
    for series in ("victron_ac_out_power", "victron_my_power", "victron_battery_soc"):
        fresh = f"timestamp({series}) > {began:.3f}"
        wait_until(lambda fresh=fresh: query(fresh), 90, fresh, every=0.5)

    assert all(": up " in gx(f"svstat /service/{name}") for name in ("dbus2prom", "dbus2prom-watchdog"))
    assert gx("crontab -l") == CRON_LINE
    (result,) = role({})
    assert (result["changed"], result["changes"]) == (False, [])


def test_removing_it_leaves_no_trace_and_the_next_install_is_predicted(rig, gx, role):
    (removed,) = role({"entry": "remove"})
    assert removed["changed"]
    assert listing(rig.gx) == never_touched(rig)
    assert "dbus2prom" not in gx("ps")

    predicted, done = role({"check": True}, {})
    assert same_plan(predicted, done)
    assert done["changed"]


def listing(machine: Machine) -> list[str]:
    return machine.run("sh", "-c", LISTING).splitlines()


def never_touched(rig) -> list[str]:
    """The listing of a GX of the same image on which the role never was, and whose owner allowed a key."""
    other = Machine(f"{rig.gx.name}-untouched", rig.label)
    image = json.loads(rig.gx.label("ovr.lab.options"))[0]
    other.start(image, "--network=none", *GX_MEMORY)
    try:
        wait_until(lambda: "sshd: " in other.run("ps"), 30, "another GX to be up", every=0.2)
        other.run("sh", "-c", "umask 077 && touch /data/home/root/.ssh/authorized_keys")
        return listing(other)
    finally:
        other.remove()
