"""Lines, markers and live values against a real VictoriaMetrics."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from event_service.line_protocol import line
from event_service.live import Live
from event_service.markers import MS, Marker
from event_service.victoria import Victoria, VictoriaRefuses
from tests.parts.process import free_port, wait_until
from tests.parts.victoria_metrics import VictoriaMetrics

pytestmark = pytest.mark.real

VECTORS = [
    "a b", "a,b", "a=b", 'a"b', "a'b", " lead", "trail ", "=", ",", "==,, ", "#x", "true", "1i", "x" * 300,
    "é漢🍭", "e\u0301", "\u2028", "a\\", "\\", "a\\\\", "a\\ b", "a\\,b", "\\ ", "a\\\\ b", "a\\=b", "a\\nb", "\u202e",
]  # fmt: skip


@pytest.fixture
def victoria(shared_victoria_metrics):
    vm = shared_victoria_metrics
    return Victoria(f"{vm.url}/write", vm.url)


def labels(vm, measurement, value="value"):
    """The labels that VictoriaMetrics holds for a measurement, one dict a series."""
    found = vm.export(f'{{__name__="{measurement}_{value}"}}', time.time() - 86_400, time.time() + 86_400)
    return [{name: text for name, text in series["metric"].items() if name != "__name__"} for series in found]


@pytest.mark.parametrize("text", VECTORS, ids=ascii)
def test_a_tag_value_is_stored_as_it_is(shared_victoria_metrics, victoria, text):
    measurement = f"vector_{VECTORS.index(text)}"
    victoria.write(line(measurement, {"tag": text}, {"value": 1}, time.time_ns()))

    assert labels(shared_victoria_metrics, measurement) == [{"tag": text}]


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, min_size=1, max_size=20, unique=True))
def test_any_printable_tag_values_are_stored_as_they_are(shared_victoria_metrics, victoria, texts):
    measurement = f"property_{time.time_ns()}"
    for text in texts:
        victoria.write(line(measurement, {"tag": text}, {"value": 1}, time.time_ns()))

    assert sorted(series["tag"] for series in labels(shared_victoria_metrics, measurement)) == sorted(texts)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        pytest.param(1, 1, id="integer"),
        pytest.param(-(2**53), -(2**53), id="large integer"),
        pytest.param(0.1, 0.1, id="float"),
        pytest.param(1e-300, 1e-300, id="tiny"),
        pytest.param(1e300, 1e300, id="huge"),
        pytest.param(True, 1, id="true"),
        pytest.param(False, 0, id="false"),
    ],
)
def test_a_field_is_stored_as_the_number_it_is(shared_victoria_metrics, victoria, value, stored):
    measurement = f"field_{time.time_ns()}"
    victoria.write(line(measurement, {}, {"value": value}, time.time_ns()))

    found = shared_victoria_metrics.export(f"{measurement}_value", time.time() - 60, time.time() + 60)
    assert [float(number) for number in found[0]["values"]] == [stored]


@pytest.mark.parametrize("text", [*VECTORS[:-3], 'é🍭 \\ "x"'], ids=ascii)
def test_a_marker_is_read_back_whatever_its_ids(victoria, text):
    marker = Marker(text, "rig_01", text, True, time.time_ns())
    before = victoria.has(marker)
    victoria.write(marker.line)
    victoria.flush()

    assert (before, victoria.has(marker)) == (False, True)
    assert not victoria.has(Marker(text, "rig_01", text, False, marker.ts_ns))
    assert not victoria.has(Marker(text, "rig_01", text, True, marker.ts_ns + MS))


def test_a_line_that_is_none_is_refused_for_good(victoria):
    with pytest.raises(VictoriaRefuses, match="400"):
        victoria.write("this is no line")


def test_a_restart_changes_what_victoria_metrics_says_of_its_start(tmp_path):
    port = free_port()
    starts = []
    for _ in range(2):
        vm = VictoriaMetrics(tmp_path, port=port)
        starts.append(Victoria(f"{vm.url}/write", vm.url).started())
        vm.kill()
        wait_until(lambda: str(int(time.time())) > starts[0], 3, "the next second")

    assert starts[0] != starts[1]


def test_live_values_are_the_last_ones_with_their_own_times(shared_victoria_metrics, victoria):
    now_ms = int(time.time() * 1000)
    for name, back_s, value in (
        ("victron_ac_out_power", 20, 4000.0),
        ("victron_ac_out_power", 10, 4213.5),
        ("victron_battery_soc", 300, 78.0),
    ):
        series = {"__name__": name, "system_id": "live_rig"}
        shared_victoria_metrics.import_samples(series, [now_ms - back_s * 1000], [value])
    shared_victoria_metrics.import_samples({"__name__": "acuvim_P", "system_id": "live_m"}, [now_ms - 90_000], [640.0])
    shared_victoria_metrics.flush()

    systems = {one.system_id: one for one in Live(victoria).picture().systems}

    rig, meter = systems["live_rig"], systems["live_m"]
    assert (rig.kind, meter.kind) == ("gx", "acuvim")
    assert (rig.readings["pout"].value, rig.readings["pout"].ts_ms) == (4213.5, now_ms - 10_000)
    assert (rig.readings["soc"].value, rig.readings["soc"].ts_ms) == (78.0, now_ms - 300_000)
    assert rig.ts_ms == now_ms - 10_000
    assert (rig.stale(now_ms), meter.stale(now_ms)) == (False, True)
