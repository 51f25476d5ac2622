"""What the discovery tells node_exporter's textfile collector."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.ovr.edge.plugins.module_utils.acuvim import metrics
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.quality import Quality
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.registry import Meter

WHEN = "2026-11-24T00:00:00+00:00"
METER = Meter(
    "10.10.4.11", 502, 1, "AH24000011", "active", WHEN, WHEN, 3, "generator", "Acuvim II IIR", "3.62", block=0x3000
)


def samples(*meters: Meter, qualities: dict | None = None) -> list[str]:
    qualities = qualities or {}
    return [line for line in metrics.text(meters, 2, 1700000000.4, qualities).splitlines() if not line.startswith("#")]


def test_serial_and_model_are_labels_of_the_info_series():
    wanted = (
        'acuvim_info{system_id="acuvim_13",device="generator",ip="10.10.4.11",serial="AH24000011",'
        'model="Acuvim II IIR",firmware="3.62"} 1'
    )

    assert wanted in samples(METER)


def test_a_meter_that_is_not_polled_has_no_info():
    assert not any(line.startswith("acuvim_info") for line in samples(replace(METER, state="delisted")))


def test_the_wiring_of_a_meter_is_told_once_it_was_judged():
    judged = replace(METER, wiring_judged=WHEN, wiring_faults=("reversed_ct",))

    assert [line for line in samples(judged) if line.startswith("acuvim_wiring")] == [
        'acuvim_wiring_fault{system_id="acuvim_13",kind="phase_rotation"} 0',
        'acuvim_wiring_fault{system_id="acuvim_13",kind="reversed_ct"} 1',
        'acuvim_wiring_fault{system_id="acuvim_13",kind="phase_swap"} 0',
        'acuvim_wiring_fault{system_id="acuvim_13",kind="missing_neutral"} 0',
        'acuvim_wiring_fault{system_id="acuvim_13",kind="ct_ratio"} 0',
    ]
    assert not any(line.startswith("acuvim_wiring") for line in samples(METER, replace(judged, state="delisted")))


def test_the_quality_of_what_arrives_is_told_where_it_is_known():
    known = Quality({"Vln": 0.0012345678, "P": 0.0}, repeated=3, gap_ratio=0.25)

    lines = samples(METER, qualities={"acuvim_13": known, "acuvim_14": Quality()})
    assert [line for line in lines if line.startswith("acuvim_quality")] == [
        'acuvim_quality_residual{system_id="acuvim_13",identity="Vln"} 0.00123457',
        'acuvim_quality_residual{system_id="acuvim_13",identity="P"} 0',
        'acuvim_quality_repeated_polls{system_id="acuvim_13"} 3',
        'acuvim_quality_repeated_polls{system_id="acuvim_14"} 0',
        'acuvim_quality_gap_ratio{system_id="acuvim_13"} 0.25',
    ]


def test_the_run_is_counted():
    lines = samples(METER, replace(METER, serial="B", logger=4), replace(METER, serial="C", state="displaced"))

    assert 'acuvim_discovery_meters{state="active"} 2' in lines
    assert 'acuvim_discovery_meters{state="displaced"} 1' in lines
    assert "acuvim_discovery_problems 2" in lines
    assert "acuvim_discovery_last_run_timestamp_seconds 1700000000" in lines
