"""Replayed samples in a real VictoriaMetrics: what was written is what can be read."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from simulators.replay import series
from simulators.scenario import Scenario

pytestmark = pytest.mark.real

PULSES = Path(__file__).parents[3] / "simulators" / "scenarios" / "pulses.json"
EPOCH_S = int(time.time()) - 600  # within the retention


def test_every_replayed_sample_is_stored_with_its_labels(fresh_victoria_metrics):
    scenario = Scenario.load(PULSES, seed=2)
    written = [
        one
        for system_id, scrape_s in (("rig_01", 0.5), ("acuvim_11", 1.0))
        for one in series(scenario, system_id, 0, 60, scrape_s, EPOCH_S * 10**9)
    ]
    for labels, times_ms, values in written:
        fresh_victoria_metrics.import_samples(labels, times_ms, values)
    stored = fresh_victoria_metrics.export('{system_id=~".+"}', EPOCH_S, EPOCH_S + 61)
    by_name = {one["metric"]["__name__"]: one for one in stored}
    assert len(stored) == len(written) == len(by_name)
    for labels, times_ms, values in written:
        kept = by_name[labels["__name__"]]
        assert kept["metric"] == labels
        assert kept["timestamps"] == times_ms
        assert kept["values"] == pytest.approx(values, rel=1e-6)
