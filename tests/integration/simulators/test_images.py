"""The images of the lab's GX and meters, run as the lab runs them: what a box meets over SSH and Modbus."""

from __future__ import annotations

import json
import struct
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import engine, images
from tests.lab.machine import Machine
from tests.lab.rig import GX_MEMORY
from tests.lab.shell import CommandError, run, succeeds
from tests.parts.process import wait_until

pytestmark = pytest.mark.lab

VEBUS = "com.victronenergy.vebus.ttyS4"
SCENARIO = "/opt/simulator/simulators/scenarios/ramps.json"
METER = "10.10.4.11"
LIVE_TOTAL_POWER = "000100000006010330220002"
NAMES = "import dbus, json; print(json.dumps([str(name) for name in dbus.SystemBus().list_names()]))"
ZOMBIES = "cat /proc/[0-9]*/stat 2>/dev/null | awk '$3 == \"Z\"' | wc -l"
ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], 502), 2) as meter:
    meter.sendall(bytes.fromhex(sys.argv[2]))
    print(meter.recv(64)[9:13].hex())
"""


@contextmanager
def machine(image: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[Machine]:
    engine.ensure()
    started = Machine(f"ovr-{uuid.uuid4().hex[:8]}-{image}", "test")
    try:
        started.start(images.ensure(image), "--network=none", *options, command=command)
        yield started
    finally:
        started.remove()


class Gx:
    """A GX container and its owner's key."""

    def __init__(self, gx: Machine, key):
        self.machine = gx
        self.key = key

    def sh(self, script: str) -> str:
        return self.machine.run("sh", "-c", script)

    def ssh(self, *words: str, options: tuple[str, ...] = ()) -> list[str]:
        """The command of a login over the GX's own loopback."""
        return [
            *("nsenter", "-t", str(self.machine.pid), "-n", "ssh", "-i", str(self.key), "-o", "BatchMode=yes"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
            *(*options, "root@127.0.0.1", *words),
        ]

    def wait_up(self) -> None:
        wait_until(lambda: succeeds(*self.ssh("true")), 30, "an SSH login at the GX", every=0.2)
        wait_until(lambda: VEBUS in self.names(), 30, "the Victron services", every=0.2)

    def names(self) -> list[str]:
        return json.loads(self.machine.run("python3", "-c", NAMES))

    def restart(self) -> None:
        run("docker", "restart", "--time=20", self.machine.name)
        self.wait_up()


@pytest.fixture(scope="module")
def gx(tmp_path_factory):
    key = tmp_path_factory.mktemp("gx") / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    with machine("gx", *GX_MEMORY, "--env=OVR_SEED=1") as started:
        started_gx = Gx(started, key)
        wait_until(lambda: succeeds("docker", "exec", started.name, "test", "-d", "/home/root/.ssh"), 20, "its home")
        public = key.with_suffix(".pub").read_bytes()
        started.run("sh", "-c", "cat > /home/root/.ssh/authorized_keys", stdin=public)
        started_gx.wait_up()
        yield started_gx


def test_only_data_can_be_written(gx):
    assert gx.sh("touch /data/kept && echo yes") == "yes"
    assert not succeeds("docker", "exec", gx.machine.name, "touch", "/usr/kept")


def test_a_key_logs_in_as_root_and_a_password_does_not(gx):
    assert run(*gx.ssh("id -u; pwd; echo $SHELL")).split() == ["0", "/data/home/root", "/bin/sh"]
    assert not succeeds(*gx.ssh("true", options=("-o", "PubkeyAuthentication=no")))


def test_the_shell_and_the_tools_are_busybox(gx):
    tools = gx.sh("for tool in sh tar netstat vi; do readlink -f $(command -v $tool); done")
    assert set(tools.split()) == {"/usr/bin/busybox"}
    assert not succeeds("docker", "exec", gx.machine.name, "bash", "-c", "true")


@pytest.mark.parametrize("module", ["dataclasses", "statistics", "resource", "tomllib"])
def test_its_python_lacks_a_module_that_the_simulators_has(gx, module):
    statement = f"import {module}"
    assert not succeeds("docker", "exec", gx.machine.name, "python3", "-c", statement)
    assert succeeds("docker", "exec", gx.machine.name, "/opt/simulator/bin/python", "-c", statement)


def test_its_python_has_what_an_exporter_needs(gx):
    needed = (
        "dbus, dbus.mainloop.glib, http.server, json, logging, socket, threading, argparse, gzip, gi.repository.GLib"
    )
    assert gx.machine.run("python3", "-c", f"import {needed}; print('yes')") == "yes"


def test_the_victron_services_are_on_the_system_bus(gx):
    assert {VEBUS, "com.victronenergy.system"} <= set(gx.names())


def test_a_service_linked_by_hand_is_supervised_and_gone_after_a_restart_which_rc_local_survives(gx):
    gx.sh("mkdir -p /data/try && printf '#!/bin/sh\\nexec sleep 9999\\n' > /data/try/run && chmod +x /data/try/run")
    gx.sh("printf '#!/bin/sh\\necho again >> /data/booted\\n' > /data/rc.local && chmod +x /data/rc.local")
    gx.sh("ln -sfn /data/try /service/try")
    wait_until(lambda: ": up" in gx.sh("svstat /service/try"), 20, "the linked service", every=0.3)
    host_key = gx.sh("cat /data/keys/ssh_host_ed25519_key.pub")
    gx.restart()
    assert "try" not in gx.sh("ls /service").split()
    wait_until(lambda: gx.sh("cat /data/booted 2>/dev/null || true") == "again", 10, "rc.local to have run once")
    assert gx.sh("cat /data/keys/ssh_host_ed25519_key.pub") == host_key


def test_the_simulator_comes_back_when_it_is_killed(gx):
    gx.sh("svc -k /service/simulator")
    wait_until(lambda: VEBUS in gx.names(), 20, "the Victron services", every=0.3)


def test_orphans_are_reaped_and_a_stop_is_obeyed(gx):
    gx.sh("sh -c 'sleep 0.2 & sleep 0.3 &'")
    wait_until(lambda: gx.sh(ZOMBIES) == "0" and "sleep 0" not in gx.sh("ps"), 10, "no orphan to be left")
    run("docker", "stop", "--time=20", gx.machine.name)
    assert run("docker", "inspect", "--format={{.State.ExitCode}}", gx.machine.name) == "0"
    gx.machine.power_on()
    gx.wait_up()


def total_power(meters: Machine) -> str:
    """Asked from the meters' own network, as nothing else reaches it."""
    return run("nsenter", "-t", meters.pid, "-n", sys.executable, "-c", ASK, METER, LIVE_TOTAL_POWER)


def answers(meters: Machine) -> bool:
    try:
        return struct.unpack(">f", bytes.fromhex(total_power(meters)))[0] > 0
    except CommandError:
        return False


def test_meters_answer_once_their_address_is_there_and_again_when_it_returns():
    with machine("meters", command=(f"--scenario={SCENARIO}", "--seed=1", f"--meter={METER}:502=acuvim_11")) as meters:
        for _ in range(2):
            meters.ip("address", "add", f"{METER}/24", "dev", "lo")
            wait_until(lambda: answers(meters), 20, "the meter", every=0.2)
            meters.ip("address", "delete", f"{METER}/24", "dev", "lo")
            assert not answers(meters)
