"""Fixtures: a bus of the test's own, fake services, the exporter with the shipped maps."""

from __future__ import annotations

import pytest

from tests.integration.gx.rig import Exporter, Services
from tests.parts import dbus


@pytest.fixture
def bus(tmp_path):
    with dbus.system_bus(tmp_path) as running:
        yield running


@pytest.fixture
def services(bus):
    fakes = Services(bus)
    yield fakes
    fakes.stop()


@pytest.fixture
def exporter(bus, tmp_path):
    running = Exporter(bus, tmp_path)
    yield running
    running.stop()
