"""Views: rows bound to services, which series come out and which stay away."""

from __future__ import annotations

import pytest

from tests.unit.gx.exporter import at, bus, dbus2prom, samples, served, service, view

OUT_P = "com.victronenergy.vebus.* /Ac/Out/P p ac_out power - -"


def test_only_values_are_served():
    rows = view(
        OUT_P,
        "com.victronenergy.vebus.* /Ac/Out/S s - - - -",
        "com.victronenergy.vebus.* /Mode m - - - -",
        "com.victronenergy.vebus.* /Gone g - - - -",
        "com.victronenergy.vebus.* /Firmware f - - - -",
    )
    values = {"/Ac/Out/P": 0, "/Ac/Out/S": None, "/Mode": "on", "/Firmware": " 42.5 "}
    assert served(rows, bus({"vebus.ttyS4": values})) == {'p{group="ac_out",name="power"}': 0, "f": 42.5}
    assert rows.without_source == 1


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        pytest.param(52.83, "-", "52.83", id="a double is not shortened"),
        pytest.param(52.123456789012345, "-", repr(52.123456789012345), id="no digit is lost"),
        pytest.param(1200, "-", "1200", id="an integer stays one"),
        pytest.param(87, "0.01", "0.87", id="percent to ratio"),
        pytest.param(-13653.3, "-1", "13653.3", id="a falling counter is turned"),
        pytest.param(1e22, "-", "1e+22", id="large"),
    ],
)
def test_number_text(value, scale, text):
    rows = view(f"com.victronenergy.vebus.* /X x - - - - gauge - {scale}")
    assert rows.lines(bus({"vebus.ttyS4": {"/X": value}}))[-1] == f"x {text}"


def test_a_service_that_left_takes_its_series_with_it():
    rows, cache = view(OUT_P), bus({"vebus.ttyS4": {"/Ac/Out/P": 5}})
    assert served(rows, cache)
    cache.vanish("com.victronenergy.vebus.ttyS4")
    assert served(rows, cache) == {}


def test_a_service_is_not_served_before_it_has_been_read():
    rows, cache = view(OUT_P), bus({})
    unread = cache.appear("com.victronenergy.vebus.ttyS4", ":1.5", at(0))
    cache.update(unread, {"/Ac/Out/P": 5}, at(0), told=True)
    assert served(rows, cache) == {}
    cache.set_ready(unread, True, at(0))
    assert served(rows, cache) == {'p{group="ac_out",name="power"}': 5}


def test_a_path_that_appears_later_is_served():
    rows, cache = view(OUT_P), bus({"vebus.ttyS4": {"/State": 9}})
    assert served(rows, cache) == {}
    cache.update(service(cache, "vebus.ttyS4"), {"/Ac/Out/P": 5}, at(1), told=True)
    assert served(rows, cache) == {'p{group="ac_out",name="power"}': 5}


TWO = {"vebus.ttyS4": {"/DeviceInstance": 276, "/Ac/Out/P": 4}, "vebus.ttyS5": {"/DeviceInstance": 277, "/Ac/Out/P": 5}}


def test_two_of_a_kind_get_the_device_instance_and_keep_it():
    rows, cache = view(OUT_P), bus(TWO)
    labels = 'p{{group="ac_out",name="power",device_instance="{}"}}'.format
    assert served(rows, cache) == {labels(276): 4, labels(277): 5}
    cache.vanish("com.victronenergy.vebus.ttyS5")
    assert served(rows, cache) == {labels(276): 4}, "a series does not change its name because another device left"


def test_one_device_under_two_names_is_one_of_a_kind():
    cache = bus({**TWO, "vebus.ttyS5": {"/DeviceInstance": 276, "/Ac/Out/P": 4}})
    assert served(view(OUT_P), cache) == {'p{group="ac_out",name="power"}': 4}


def test_a_row_may_ask_for_the_device_instance_always():
    rows = view("com.victronenergy.tank.{device_instance} /Level l - - - -")
    cache = bus({"tank.can0": {"/DeviceInstance": 20, "/Level": 40}})
    assert served(rows, cache) == {'l{device_instance="20"}': 40}
    cache.update(service(cache, "tank.can0"), {"/DeviceInstance": None}, at(1))
    assert served(rows, cache) == {"l": 40}, "an invalid instance is no label"


FIELD_ROW = "com.victronenergy.vebus.ttyS4 /Ac/Out/P p - - - -"


@pytest.mark.parametrize(
    ("lines", "services", "expected"),
    [
        pytest.param([FIELD_ROW], ["ttyS4", "ttyS5"], {"p": 4}, id="the service that is named"),
        pytest.param([FIELD_ROW], ["ttyS5"], {"p": 5}, id="the cable moved"),
        pytest.param(
            [FIELD_ROW, "com.victronenergy.vebus.ttyS5 /Ac/Out/P q - - - -"],
            ["ttyS5"],
            {"q": 5},
            id="another row's device is not taken for it",
        ),
    ],
)
def test_a_row_that_names_its_service(lines, services, expected):
    cache = bus({f"vebus.{tty}": TWO[f"vebus.{tty}"] for tty in services})
    assert served(view(*lines), cache) == expected


def test_the_first_source_that_has_a_value_wins_and_the_others_are_counted():
    rows = view("com.victronenergy.vebus.* /Dc/0/Voltage v - - - -", "com.victronenergy.system /Dc/V v - - - -")
    cache = bus({"vebus.ttyS4": {"/Dc/0/Voltage": 52.0}, "system": {"/Dc/V": 51.0}})
    assert served(rows, cache) == {"v": 52.0}
    cache.update(service(cache, "vebus.ttyS4"), {"/Dc/0/Voltage": None}, at(1))
    assert served(rows, cache) == {"v": 51.0}
    assert rows.conflicts == 1


def test_captures_fill_columns_and_the_rest_are_labels():
    rows = view(
        "com.victronenergy.vebus.* /Ac/Out/{phase}/V out_{phase}_v ac_out voltage {phase} -",
        "com.victronenergy.vebus.* /Devices/{unit}/P unit_p - - - dev{unit}",
        "com.victronenergy.vebus.* /Ac/In/{input}/{phase}/* in_x - - - -",
    )
    values = {
        "/Ac/Out/L1/V": 1,
        "/Ac/Out/L3/V": 3,
        "/Ac/Out/N/V": 9,
        "/Devices/11/P": 11,
        "/Devices/0/Sub/P": 8,
        "/Ac/In/2/L1/I": 21,
    }
    assert served(rows, bus({"vebus.ttyS4": values})) == {
        'out_l1_v{group="ac_out",name="voltage",phase="L1"}': 1,
        'out_l3_v{group="ac_out",name="voltage",phase="L3"}': 3,
        'unit_p{device="dev11"}': 11,
        'in_x{input="2",phase="L1"}': 21,
    }


def test_text_becomes_a_label():
    rows = view("com.victronenergy.vebus.* /CustomName n - - - - info")
    cache = bus({"vebus.ttyS4": {"/CustomName": 'The "big"\none \\'}})
    assert rows.lines(cache)[-1] == 'n{value="The \\"big\\"\\none \\\\"} 1'


def test_what_the_exporter_says_of_itself():
    tanks = "com.victronenergy.tank.*"
    fast, slow = view(OUT_P), view(f"{tanks} /Level l - - - -", f"{tanks} /Status s - - - -", name="slow")
    exporter = dbus2prom.Exporter([fast, slow], at(0))
    exporter.cache = bus(
        {"vebus.ttyS4": {"/State": 9, "/Ac/Out/P": 1, "/ProductName": "Multi"}, "tank.a": {"/Level": None}}
    )
    exporter.cache.appear("com.victronenergy.gps.x", ":1.9", at(0))
    exporter.cache.hide_silent(at(60))
    first, last = samples(exporter.metrics(fast, at(60))), samples(exporter.metrics(slow, at(60)))
    assert first["dbus2prom_uptime_seconds", ()] == 60
    counts = {labels[0][1]: value for (name, labels), value in first.items() if name == "dbus2prom_services"}
    assert counts == {"shown": 1, "silent": 1, "unread": 1}
    updated = first["dbus2prom_service_last_update_timestamp_seconds", (("service", "com.victronenergy.vebus.ttyS4"),)]
    assert updated == at(0).wall
    assert last["dbus2prom_map_rows_without_source", (("view", "slow"),)] == 1
    assert not [name for name, _ in last if name == "dbus2prom_build_info"], "the process is told of once"


def test_device_info_holds_the_texts():
    slow = view(OUT_P, name="slow")
    exporter = dbus2prom.Exporter([slow], at(0))
    exporter.cache = bus({"vebus.ttyS4": {"/DeviceInstance": 276, "/ProductName": "Multi", "/FirmwareVersion": 1296}})
    labels = {
        "service": "com.victronenergy.vebus.ttyS4",
        "device_instance": "276",
        "product": "Multi",
        "firmware": "1296",
    }
    assert samples(exporter.metrics(slow, at(1)))["victron_device_info", tuple(sorted(labels.items()))] == 1


@pytest.mark.parametrize(("age_s", "status"), [(0, "200 OK"), (5, "200 OK"), (6, "503 Service Unavailable")])
def test_health_follows_the_tick_of_the_loop(age_s, status):
    exporter = dbus2prom.Exporter([view(OUT_P)], at(0))
    assert exporter.answer(exporter.views[0], "/-/healthy", at(age_s))[0] == status
