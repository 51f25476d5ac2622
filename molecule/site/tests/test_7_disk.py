"""Crashed containers start again; without its data disk nothing runs and nothing is written."""

from __future__ import annotations

import pytest

from tests.lab.release import SERVICES
from tests.parts.process import wait_until

MOUNT = "/mnt/esata"


def running(host) -> list[str]:
    return host.check_output("docker ps --format '{{.Names}}'").split()


def wait_all_healthy(health):
    for service in SERVICES:
        wait_until(lambda service=service: health(service) == "healthy", 90, f"{service} healthy", every=0.5)


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_comes_back_by_itself(host, health, service):
    def pid():
        return host.check_output("docker inspect --format '{{.State.Pid}}' %s", service)

    before = pid()
    host.check_output("kill -KILL %s", before)

    wait_until(lambda: pid() not in ("0", before), 60, f"{service} to start again", every=0.2)
    wait_until(lambda: health(service) == "healthy", 60, f"{service} healthy", every=0.5)


def test_a_new_supervisor_leaves_the_containers_alone(host, health):
    def started():
        return [host.check_output("docker inspect --format '{{.State.StartedAt}}' %s", service) for service in SERVICES]

    wait_all_healthy(health)
    before = started()
    host.check_output("systemctl kill --signal=KILL ovr-stack.service")
    wait_until(lambda: host.service("ovr-stack").is_running, 30, "the supervisor to be back", every=0.5)

    assert started() == before


@pytest.fixture
def without_disk(host, health):
    """The data disk taken out under the running services; put back afterwards."""
    wait_all_healthy(health)
    host.check_output("umount %s", MOUNT)
    wait_until(lambda: running(host) == [], 120, "every container to stop", every=0.5)
    yield
    host.run("umount %s", MOUNT)
    host.check_output("systemctl start mnt-esata.mount")
    wait_all_healthy(health)


@pytest.mark.usefixtures("without_disk")
def test_without_its_disk_nothing_starts_and_nothing_is_written_below_the_mount_point(host):
    by_hand = host.run("cd /opt/stack && docker compose up --detach victoria-metrics vmagent telegraf event-service")

    assert by_hand.failed
    assert "bind source path does not exist" in by_hand.stderr
    assert host.check_output("ls -A %s", MOUNT) == ""


@pytest.mark.usefixtures("without_disk")
def test_on_another_disk_nothing_starts(host):
    host.check_output("mount -t tmpfs other %s", MOUNT)

    assert host.run("systemctl start ovr-stack.service").failed
    assert running(host) == []
    assert host.check_output("ls -A %s", MOUNT) == ""
