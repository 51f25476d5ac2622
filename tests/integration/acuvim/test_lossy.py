"""Finding meters behind a link that loses connects: the kernel loses them, the discovery is the real command."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.parts.meter_network import DISCOVERY, ENVIRONMENT, METERS, meter_network

pytestmark = pytest.mark.real

DAYS = 7


class Network:
    """Ten meters among silent addresses, asked from a box that remembers."""

    def __init__(self, namespace, folder):
        self._namespace = namespace
        self._folder = folder

    def discover(self, *options: str) -> dict:
        environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        targets = f"--targets={self._folder / 'targets'}"
        return json.loads(self._namespace.run("env", *environment, *DISCOVERY, targets, "--json", *options))

    def remember(self) -> dict:
        return self.discover(f"--registry={self._folder / 'registry.json'}")


@pytest.fixture
def network(tmp_path, loss_percent):
    with meter_network(tmp_path, loss_percent) as namespace:
        yield Network(namespace, tmp_path)


@pytest.mark.parametrize("loss_percent", [20])
@pytest.mark.parametrize(
    ("scans", "missed_at_most"),
    [pytest.param(3, 2, id="30 trials"), pytest.param(20, 2, id="200 trials", marks=pytest.mark.soak)],
)
def test_meters_are_found_behind_a_lossy_link(network, scans, missed_at_most):
    found = [
        finding["ip"]
        for _ in range(scans)
        for finding in network.discover()["findings"]
        if finding["verdict"] == "meter"
    ]

    assert set(found) == set(METERS)
    assert scans * len(METERS) - len(found) <= missed_at_most


@pytest.mark.parametrize(
    ("loss_percent", "misses_some"),
    [
        pytest.param(20, False, id="20 % lost", marks=pytest.mark.soak),
        pytest.param(60, True, id="60 % lost"),
    ],
)
def test_a_week_of_daily_scans_loses_no_meter(network, misses_some):
    week = [network.remember()["meters"] for _ in range(DAYS)]

    polled = [{meter["serial"]: meter["logger"] for meter in day if meter["polled"]} for day in week]
    assert len(polled[-1]) == len(METERS)
    assert all(before.items() <= after.items() for before, after in itertools.pairwise(polled))
    if misses_some:
        assert not all(meter["found"] for day in week for meter in day)
