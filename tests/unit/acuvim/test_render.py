"""The file of a meter, read as TOML."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import targets
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.polling import Polling
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.registry import Meter
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.render import render

from tests.unit.acuvim.images import LIVE, LIVE_3, LIVE_L

TEMPLATE = str(Path(__file__).parents[3] / "roles" / "acuvim" / "templates" / "acuvim_modbus.tpl")
WHEN = "2026-11-24T00:00:00+00:00"
METER = Meter(
    "10.10.4.11", 502, 1, "AH24000011", "active", WHEN, WHEN, logger=3, block=0x3000, power_scale=1.0, has_energy=True
)
FULL = replace(METER, has_demand=True, has_thd=True, has_fast_read=True)


EVERYWHERE = ("10.10.4.0/24",)


def inputs(meter: Meter = METER, lines=EVERYWHERE, **polling) -> list[dict]:
    (content,) = render([meter], TEMPLATE, Polling(**polling), targets.parse(lines, "targets")).values()
    return tomllib.loads(content)["inputs"]["modbus"]


def fields(meter: Meter) -> dict[str, dict]:
    return {field["name"]: field for field in inputs(meter)[0]["request"][0]["fields"]}


def test_the_file_is_named_after_the_system():
    assert list(render([METER, replace(METER, logger=10)], TEMPLATE, Polling(), targets.parse([], "targets"))) == [
        "acuvim_13.conf",
        "acuvim_110.conf",
    ]


def test_both_inputs_carry_the_four_labels_and_no_other():
    named = replace(METER, name="generator")
    wanted = {"system_id": "acuvim_13", "device": "generator", "ip": "10.10.4.11", "role": "power_meter"}

    assert [one["tags"] for one in inputs(named)] == [wanted, wanted]
    assert all({"name", "slave_id", "host"} <= set(one["tagexclude"]) for one in inputs(named))


@pytest.mark.parametrize("block", [0x3000, 0x4000])
def test_live_values_are_one_request_without_holes(block):
    (request,) = inputs(replace(METER, block=block))[0]["request"]

    addresses = {field["name"]: field["address"] for field in request["fields"]}
    assert addresses == {name: block + offset for name, offset in LIVE.items()}
    assert sorted(addresses.values()) == list(range(block, block + 60, 2))
    assert request["slave_id"] == 1


@pytest.mark.parametrize(
    ("family", "places", "size", "counter", "kind"),
    [
        pytest.param("acuvim_l", LIVE_L, 60, 0x0156, "UINT32", id="Acuvim L"),
        pytest.param("acuvim3", LIVE_3, 68, 0x65CC, "FLOAT64", id="Acuvim 3"),
    ],
)
def test_each_family_is_read_by_its_own_map_in_one_request(family, places, size, counter, kind):
    first = places["F"]
    live, energy = inputs(replace(METER, family=family, block=first))

    (request,) = live["request"]
    published = {field["name"]: field["address"] for field in request["fields"] if not field.get("omit")}
    assert published == places
    assert [field["address"] for field in request["fields"]] == list(range(first, first + size, 2))
    assert energy["request"][0]["fields"][0]["address"] == counter
    assert {field["type"] for field in energy["request"][0]["fields"]} == {kind}


@pytest.mark.parametrize(
    ("scale", "written", "omitted"),
    [
        pytest.param(1.0, {None}, {False}, id="W stays"),
        pytest.param(1000.0, {1000.0}, {False}, id="kW becomes W"),
        pytest.param(None, {None}, {True}, id="unsettled is not published"),
    ],
)
def test_power_is_in_watts_or_absent(scale, written, omitted):
    by_name = fields(replace(METER, power_scale=scale))
    powers = [field for name, field in by_name.items() if name.startswith(("P", "Q", "S")) and name[:2] != "PF"]
    others = [field for field in by_name.values() if field not in powers]

    assert len(powers) == 12
    assert {field.get("scale") for field in powers} == written
    assert {field.get("omit", False) for field in powers} == omitted
    assert all(set(field) == {"address", "name", "type"} for field in others)


def test_counters_are_kilowatt_hours_in_an_input_of_their_own():
    _, counters = inputs(energy_interval="30s")

    (request,) = counters["request"]
    assert counters["interval"] == "30s"
    assert counters["workarounds"] == {"close_connection_after_gather": True}
    assert {field["scale"] for field in request["fields"]} == {0.1}
    assert [field["address"] for field in request["fields"]] == list(range(0x4048, 0x405A, 2))


def by_alias(meter: Meter = FULL, lines=EVERYWHERE, **polling) -> dict[str, dict]:
    return {one["alias"].removeprefix("acuvim_13"): one for one in inputs(meter, lines, **polling)}


def test_what_may_fail_alone_has_an_input_of_its_own_in_its_turn():
    found = by_alias(energy_interval="20s")

    assert list(found) == ["", "_energy", "_demand", "_thd"]
    assert [one.get("collection_offset") for one in found.values()] == [None, None, "5000ms", "10000ms"]
    assert [one["interval"] for one in found.values()] == ["1s", "20s", "20s", "20s"]


def test_demand_is_in_watts_and_distortion_in_percent():
    found = by_alias(replace(FULL, power_scale=1000.0))
    demand, thd = (found[name]["request"][0]["fields"] for name in ("_demand", "_thd"))

    assert [(one["address"], one["name"], one["type"], one["scale"]) for one in demand] == [
        (0x4042, "P_demand", "FLOAT32", 1000.0),
        (0x4044, "Q_demand", "FLOAT32", 1000.0),
        (0x4046, "S_demand", "FLOAT32", 1000.0),
    ]
    assert [(one["address"], one["type"], one["scale"]) for one in thd] == [
        (address, "INT16", 0.01) for address in range(0x405A, 0x4062)
    ]
    assert [one["name"] for one in thd] == [f"THD_{name}" for name in ("Va", "Vb", "Vc", "V", "Ia", "Ib", "Ic", "I")]


# Order of the fast block, from the manual.
FAST = ["Va", "Vb", "Vc", "Vab", "Vbc", "Vca", "Ia", "Ib", "Ic", "Vln", "Vll", "I", "P", "Q", "F"]


@pytest.mark.parametrize(
    ("line", "burst", "meter", "wanted"),
    [
        pytest.param(EVERYWHERE, False, FULL, False, id="not asked for"),
        pytest.param(EVERYWHERE, True, FULL, True, id="for all"),
        pytest.param((*EVERYWHERE, "10.10.4.11 profile=burst"), False, FULL, True, id="for this one"),
        pytest.param((*EVERYWHERE, "10.10.4.11 profile=normal"), True, FULL, False, id="for all but this one"),
        pytest.param(EVERYWHERE, True, METER, False, id="the block did not answer"),
    ],
)
def test_a_burst_is_one_more_input_for_the_values_it_has(line, burst, meter, wanted):
    found = by_alias(meter, line, burst=burst)

    assert ("_burst" in found) is wanted
    live = {one["name"] for one in found[""]["request"][0]["fields"] if not one.get("omit")}
    assert live == set(LIVE) - (set(FAST) if wanted else set())
    if wanted:
        (request,) = found["_burst"]["request"]
        assert [(one["name"], one["address"]) for one in request["fields"]] == [
            (name, 0x3400 + 2 * place) for place, name in enumerate(FAST)
        ]
        assert (found["_burst"]["interval"], found["_burst"]["timeout"]) == ("100ms", "60ms")


NETWORKS = {"10.10.0.0/16": "wifi", "10.10.4.0/24": "wired", "10.10.5.0/24": "500ms"}


@pytest.mark.parametrize(
    ("ip", "line", "interval"),
    [
        ("10.10.4.11", "10.10.4.11", "200ms"),
        ("10.10.9.11", "10.10.9.11", "1s"),
        ("10.10.5.11", "10.10.5.11", "500ms"),
        ("10.20.4.11", "10.20.4.11", "2s"),
        ("10.10.4.11", "10.10.4.11 interval=100ms", "100ms"),
    ],
    ids=["wired, the smaller network", "wifi", "an interval", "in none", "its own line"],
)
def test_the_interval_is_that_of_the_line_the_network_or_all(ip, line, interval):
    live = inputs(replace(METER, ip=ip), (line,), interval="2s", networks=NETWORKS)[0]

    assert (live["interval"], live["precision"]) == (interval, "1ms")


@pytest.mark.parametrize(
    ("profile", "can_burst", "every_ms"),
    [("profile=burst", True, 100), ("profile=burst", False, 200), ("", True, 200)],
    ids=["in a burst", "without the block", "usually"],
)
def test_how_often_the_frequency_comes_tells_what_is_a_gap(profile, can_burst, every_ms):
    line = targets.parse([f"10.10.4.11 logger=3 {profile}"], "targets").line_for("10.10.4.11", 502, 1)

    assert Polling(networks=NETWORKS).frequency_ms("10.10.4.11", line, can_burst) == every_ms


def test_a_scan_pushes_no_harder_than_the_network_bears():
    polling = Polling(networks=NETWORKS)

    rates = [polling.connects_per_second(ip, 800.0) for ip in ("10.10.4.11", "10.10.9.11", "10.20.4.11")]
    assert rates == [800.0, 100.0, 800.0]
    assert polling.connects_per_second("10.10.4.11", 50.0) == 50.0


def test_a_meter_without_counters_has_one_input():
    assert len(inputs(replace(METER, has_energy=False))) == 1


@pytest.mark.parametrize(
    ("interval", "timeout"),
    [("1s", "600ms"), ("200ms", "120ms"), ("100ms", "60ms"), ("10s", "1000ms"), ("1m", "1000ms")],
)
def test_a_read_ends_before_the_next_begins(interval, timeout):
    assert (inputs(interval=interval)[0]["interval"], inputs(interval=interval)[0]["timeout"]) == (interval, timeout)


@pytest.mark.parametrize("interval", ["1", "0s", "1.5s", "-1s", "1w", ""])
def test_a_bad_interval_is_named(interval):
    with pytest.raises(AcuvimError, match=f"interval: '{interval}' is not an interval; write for example 200ms"):
        Polling(interval)


def test_unit_and_word_order_are_those_of_the_meter():
    live = inputs(replace(METER, unit=255, port=2003, word_order="CDAB"))[0]

    assert live["controller"] == "tcp://10.10.4.11:2003"
    assert (live["request"][0]["slave_id"], live["request"][0]["byte_order"]) == (255, "CDAB")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        pytest.param("a = {{ meter.", "template.tpl line 1: ", id="does not parse"),
        pytest.param("a = {{ meter.sreial }}", "template.tpl: fails for acuvim_13 .*sreial", id="an unknown name"),
        pytest.param(None, "template.tpl: cannot read the template", id="missing"),
    ],
)
def test_a_broken_template_is_named(tmp_path, template, says):
    path = tmp_path / "template.tpl"
    if template is not None:
        path.write_text(template)

    with pytest.raises(AcuvimError, match=says):
        render([METER], str(path), Polling(), targets.parse([], "targets"))
