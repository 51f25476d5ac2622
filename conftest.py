"""Fixtures shared by all tests: the real programs they run against."""

from __future__ import annotations

import pytest

from tests.parts import victoria_metrics
from tests.skips import SkipGuard


def pytest_configure(config):
    config.pluginmanager.register(SkipGuard(), "skip-guard")


@pytest.fixture(scope="session")
def shared_victoria_metrics(tmp_path_factory):
    """One VictoriaMetrics for the whole run: use series names or ids of your own in it."""
    with victoria_metrics.running(tmp_path_factory.mktemp("vm")) as server:
        yield server


@pytest.fixture
def fresh_victoria_metrics(tmp_path):
    """A VictoriaMetrics of the test's own: it may be stopped or killed."""
    with victoria_metrics.running(tmp_path) as server:
        yield server
