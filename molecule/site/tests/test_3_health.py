"""A healthcheck tells a hung container from a running one."""

from __future__ import annotations

import pytest

from tests.lab.release import SERVICES
from tests.parts.process import wait_until


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_whose_processes_are_all_stopped_becomes_unhealthy(host, health, service):
    """SIGSTOP leaves the port open and the process listed; only an answer proves health."""
    wait_until(lambda: health(service) == "healthy", 60, f"{service} healthy", every=0.5)
    processes = [line.split()[1] for line in host.check_output("docker top %s", service).splitlines()[1:]]
    assert processes
    host.check_output("kill -STOP " + " ".join(processes))
    try:
        wait_until(lambda: health(service) == "unhealthy", 90, f"{service} unhealthy while stopped", every=0.5)
    finally:
        host.run("kill -CONT " + " ".join(processes))

    wait_until(lambda: health(service) == "healthy", 90, f"{service} healthy again", every=0.5)
