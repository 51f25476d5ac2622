"""A meter taken out of service and brought back by the playbook, under a Telegraf that goes on running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import cache
from tests.lab.deploy import DEMO_INVENTORY
from tests.parts.process import wait_until

# All need the box: pytest would run those that do not out of order.
pytestmark = pytest.mark.usefixtures("host")

FILES = "/opt/stack/telegraf/telegraf.d"


@pytest.fixture
def discover(rig):
    """Run playbooks/discover.yml against the rig; None as targets are those of its inventory."""

    def run(targets: list[str] | None = None) -> str:
        extra = [] if targets is None else ["-e", json.dumps({"acuvim_targets": targets})]
        done = subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                *("-i", DEMO_INVENTORY, "-i", rig.inventory, "playbooks/discover.yml", *extra),
            ],
            cwd=cache.REPO,
            env={**os.environ, "ANSIBLE_HOME": str(cache.REPO / ".ansible"), "ANSIBLE_PIPELINING": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield run
    run()


@pytest.fixture
def newest(query):
    """When the newest stored power of a meter was measured [Unix s]; 0 where the last minute has none."""

    def ask(system_id: str) -> float:
        found = query(f'tlast_over_time(acuvim_P{{system_id="{system_id}"}}[1m])')
        return max((value for _, value in found), default=0.0)

    return ask


def test_a_meter_taken_out_and_back_costs_neither_a_restart_nor_the_other_meter(host, discover, newest):
    def started() -> str:
        return host.check_output("docker inspect --format '{{.State.StartedAt}}' telegraf")

    def now() -> float:
        return float(host.check_output("date +%s.%N"))

    before = started()

    discover(["10.10.4.11 logger=1", "10.10.4.12 logger=2 state=absent"])
    assert host.check_output("ls %s/*.conf", FILES).split() == [f"{FILES}/acuvim_11.conf"]
    out_since = now()
    wait_until(lambda: newest("acuvim_11") > out_since + 5, 90, "the other meter to be polled on", every=0.5)
    assert newest("acuvim_12") < out_since + 5

    assert "acuvim_12" in discover()
    back_since = now()
    wait_until(lambda: newest("acuvim_12") > out_since + 5, 5, "samples of the meter that is back", every=0.2)
    wait_until(lambda: newest("acuvim_11") > back_since, 90, "the other meter to be polled on", every=0.5)
    assert started() == before
    assert "changed=0" in discover()
