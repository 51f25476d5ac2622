"""Reports of samples in a real VictoriaMetrics."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from event_service import reports
from event_service.reports.fetch import fetch
from event_service.reports.model import Note, ReportError, ReportRequest, SystemSpan
from simulators import replay
from simulators.scenario import Scenario
from tests.parts import victoria_metrics
from tests.parts.process import free_port

pytestmark = pytest.mark.real
NS, NS_PER_MS = 10**9, 10**6
SCENARIOS = Path(replay.__file__).parent / "scenarios"
VERSIONS = {"event_service": "0.0.0"}


def request_of(system_id: str, start_ns: int, end_ns: int, **changes) -> ReportRequest:
    span = SystemSpan(system_id, "yard", start_ns, end_ns)
    note = Note(start_ns + NS, system_id, "load_test", "begin")
    settings = {"event_id": "load_test", "run_id": "r1", "version": 1, "timezone": "UTC", **changes}
    return ReportRequest(
        start_ns=start_ns, end_ns=end_ns, created_ns=start_ns, systems=(span,), notes=(note,), **settings
    )


def metric(system_id: str, name: str = "acuvim_P", **labels) -> dict[str, str]:
    return {"__name__": name, "system_id": system_id, **labels}


def times_ms(start_ms: int, end_ms: int, step_ms: int = 500) -> list[int]:
    """From start to end, both included."""
    return list(range(start_ms, end_ms + 1, step_ms))


def constant(store, system_id: str, watts: float, times: list[int]) -> None:
    store.import_samples(metric(system_id), times, [watts] * len(times))


def energy(made) -> dict:
    return json.loads((made.folder / "data.json").read_text())["systems"][0]["energy"][0]


@pytest.fixture
def with_default_latency(tmp_path):
    """A VictoriaMetrics that hides the last 30 s from queries, as it does by default."""
    with victoria_metrics.running(tmp_path, flags=("-search.latencyOffset=30s",)) as store:
        yield store


def test_samples_of_the_last_seconds_are_all_in_it(with_default_latency, tmp_path):
    end_ms = time.time_ns() // NS_PER_MS - 3500
    constant(with_default_latency, "fresh", 1000, times_ms(end_ms - 120_000, end_ms + 3500))
    request = request_of("fresh", (end_ms - 120_000) * NS_PER_MS, end_ms * NS_PER_MS)
    made = reports.make(
        request,
        query_url=with_default_latency.url,
        out=tmp_path / "report",
        now_ns=time.time_ns(),
        versions=VERSIONS,
        patience_s=0,
    )
    assert made.state == "final"
    assert energy(made)["import"] == pytest.approx(1000 * 120 / 3600, abs=1e-4)
    quality = json.loads((made.folder / "data.json").read_text())["systems"][0]["quality"]
    assert (quality["received"], quality["coverage"], quality["gaps"]) == (241, 1.0, [])


def test_every_sample_of_a_long_event_comes_once(shared_victoria_metrics):
    start = 1_795_000_000_000
    times = times_ms(start, start + 13 * 3600 * 1000, 10_000)
    shared_victoria_metrics.import_samples(metric("long"), times, [float(n) for n in range(len(times))])
    shared_victoria_metrics.flush()
    (found,) = fetch(shared_victoria_metrics.url, "long", ["acuvim_P"], times[0], times[-1])
    assert found.times_ms.tolist() == times
    assert found.values.tolist() == [float(n) for n in range(len(times))]


@pytest.mark.parametrize("system_id", ['a"b', "a\\b", "a\\", "line\u2028sep", "Grüße 🍭", ".*", "a|b", "{x}"])
def test_any_system_id_finds_its_own_samples_only(shared_victoria_metrics, system_id):
    times = times_ms(1_795_000_000_000, 1_795_000_010_000)
    constant(shared_victoria_metrics, system_id, 5, times)
    constant(shared_victoria_metrics, "a", 7, times)
    shared_victoria_metrics.flush()
    (found,) = fetch(shared_victoria_metrics.url, system_id, ["acuvim_P"], times[0], times[-1])
    assert found.labels["system_id"] == system_id
    assert found.values.tolist() == [5.0] * len(times)


def test_a_stale_mark_is_no_sample(shared_victoria_metrics, tmp_path):
    start = 1_795_100_000_000
    lines = [
        f'acuvim_P{{system_id="stale"}} {"NaN" if 40 <= n < 60 else 3600} {start + 500 * n}' for n in range(-20, 250)
    ]
    shared_victoria_metrics.post("/api/v1/import/prometheus", "\n".join(lines).encode())
    request = request_of("stale", start * NS_PER_MS, (start + 120_000) * NS_PER_MS)
    made = reports.make(
        request, query_url=shared_victoria_metrics.url, out=tmp_path / "r", now_ns=time.time_ns(), versions=VERSIONS
    )
    found = energy(made)
    assert found["missing_s"] == pytest.approx(10.5)
    assert found["import"] == pytest.approx(109.5, abs=0.01)


def test_it_waits_for_the_tail_of_an_event_that_has_just_ended(shared_victoria_metrics, tmp_path):
    store, end_ms = shared_victoria_metrics, time.time_ns() // NS_PER_MS
    constant(store, "tail", 1000, times_ms(end_ms - 60_000, end_ms - 5000))
    late = threading.Timer(1.5, constant, (store, "tail", 1000, times_ms(end_ms - 4500, end_ms + 3500)))
    late.start()
    request = request_of("tail", (end_ms - 60_000) * NS_PER_MS, end_ms * NS_PER_MS)
    made = reports.make(
        request, query_url=store.url, out=tmp_path / "r", now_ns=time.time_ns(), versions=VERSIONS, patience_s=30
    )
    late.join()
    assert made.state == "final"
    assert energy(made)["missing_s"] == 0


def test_without_patience_it_is_provisional_and_becomes_final_with_another_digest(shared_victoria_metrics, tmp_path):
    store, end_ms = shared_victoria_metrics, time.time_ns() // NS_PER_MS

    def made(name, now_ns):
        request = request_of("slow", (end_ms - 60_000) * NS_PER_MS, end_ms * NS_PER_MS)
        return reports.make(
            request, query_url=store.url, out=tmp_path / name, now_ns=now_ns, versions=VERSIONS, patience_s=0
        )

    constant(store, "slow", 1000, times_ms(end_ms - 60_000, end_ms - 10_000))
    now_ns = end_ms * NS_PER_MS + NS
    first, same = made("first", now_ns), made("same", now_ns)
    assert first.state == "provisional"
    assert "acuvim_P stops" in first.summary["state_reasons"][0]
    assert (first.folder / "data.json").read_bytes() == (same.folder / "data.json").read_bytes()
    assert (first.folder / "report.html").read_bytes() == (same.folder / "report.html").read_bytes()
    constant(store, "slow", 1000, times_ms(end_ms - 9500, end_ms + 3500))
    later = made("later", now_ns + 60 * NS)
    assert later.state == "final"
    assert later.digest != first.digest
    assert made("again", now_ns + 600 * NS).digest == later.digest


@pytest.mark.parametrize("name", ["ramps", "steps", "pulses"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_true_energy_of_a_scenario_lies_inside_what_is_stated(shared_victoria_metrics, tmp_path, name, seed):
    scenario = Scenario.load(SCENARIOS / f"{name}.json", seed=seed)
    epoch_ns = (1_795_200_000 + 10_000 * seed + 100_000 * len(name)) * NS
    start_s, end_s = 90.0, 270.0
    for labels, times, values in replay.series(scenario, "rig_01", 30, end_s + 5, epoch_ns=epoch_ns):
        shared_victoria_metrics.import_samples({**labels, "system_id": f"{name}{seed}"}, times, values)
    request = request_of(f"{name}{seed}", epoch_ns + round(start_s * NS), epoch_ns + round(end_s * NS))
    made = reports.make(
        request, query_url=shared_victoria_metrics.url, out=tmp_path / "r", now_ns=time.time_ns(), versions=VERSIONS
    )
    truth = scenario.energy_wh("rig_01", start_s, end_s)
    entries = json.loads((made.folder / "data.json").read_text())["systems"][0]["energy"]
    real = {entry["key"]: entry for entry in entries if entry["unit"] == "Wh"}
    assert set(real) == {"victron_total_power", "victron_phase_sum"}
    for entry in real.values():
        assert entry["interval"][0] <= truth <= entry["interval"][1]
    if name == "ramps":
        assert real["victron_total_power"]["import"] == pytest.approx(truth, rel=0.005)


def test_a_store_that_is_away_leaves_no_folder(tmp_path):
    request = request_of("gone", 1_795_000_000 * NS, 1_795_000_060 * NS)
    with pytest.raises(ReportError, match="VM_QUERY_URL"):
        reports.make(
            request,
            query_url=f"http://127.0.0.1:{free_port()}",
            out=tmp_path / "r",
            now_ns=time.time_ns(),
            versions=VERSIONS,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"systems": ()}, "no system took part", id="no system"),
        pytest.param({"systems": (SystemSpan("m", None, 60, 10),)}, "m ends 10 before it starts 60", id="backwards"),
    ],
)
def test_a_request_that_makes_no_sense(tmp_path, changes, told):
    settings = {"start_ns": 0, "end_ns": 60, "created_ns": 0, "version": 1, "timezone": "UTC", "notes": (), **changes}
    with pytest.raises(ReportError, match=told):
        reports.make(
            ReportRequest(event_id="e", run_id="r", **settings),
            query_url="http://127.0.0.1:9",
            out=tmp_path / "r",
            now_ns=time.time_ns(),
            versions=VERSIONS,
        )
