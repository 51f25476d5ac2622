"""The cache: what a bus value means, who is there, and when values are no longer believed."""

from __future__ import annotations

import pytest

from tests.unit.gx.exporter import at, bus, dbus2prom, service


class Byte(int):
    """As dbus.Byte: an int whose text is the character, not the number."""

    def __str__(self):
        return chr(self)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param([], None, id="an empty array is invalid"),
        pytest.param([1, 2], None, id="a blob is no sample"),
        pytest.param({"a": 1}, None, id="a sub-tree is no sample"),
        pytest.param(Byte(49), 49, id="a byte is its number, not its character"),
        pytest.param(True, 1, id="true is 1"),
        pytest.param(-2147483648, -2147483648, id="int32"),
        pytest.param(230.1, 230.1, id="double"),
        pytest.param(float("nan"), None, id="nan is no value"),
        pytest.param(float("-inf"), None, id="infinity is no value"),
        pytest.param("MultiPlus-II", "MultiPlus-II", id="text"),
    ],
)
def test_plain(value, expected):
    result = dbus2prom.plain(value)
    assert result == expected
    assert type(result) in (int, float, str, type(None))


@pytest.mark.parametrize(
    ("member", "path", "argument", "expected"),
    [
        pytest.param(
            "ItemsChanged",
            "/",
            {"/Ac/Out/P": {"Value": 5, "Text": "5W"}, "/Dc/0/Power": {"Value": []}},
            {"/Ac/Out/P": 5, "/Dc/0/Power": None},
            id="items, one without text and invalid",
        ),
        pytest.param("PropertiesChanged", "/Ac/Out/P", {"Value": 5.5}, {"/Ac/Out/P": 5.5}, id="properties"),
        pytest.param("PropertiesChanged", "/Ac/Out/P", {"Text": "5W"}, {}, id="only the text changed"),
        pytest.param("PropertiesChanged", "/", {"Value": {"Ac": 1}}, {}, id="the root is no value"),
        pytest.param("ItemsChanged", "/", {"/Ac/Out/P": 5}, {}, id="an item that is no dictionary"),
    ],
)
def test_signal_values(member, path, argument, expected):
    assert dbus2prom.signal_values(member, path, argument) == expected


@pytest.mark.parametrize(
    ("method", "items", "expected"),
    [
        pytest.param("GetItems", {"/A/B": {"Value": 1, "Text": "1"}}, {"/A/B": 1}, id="items carry the slash"),
        pytest.param("GetValue", {"A/B": 1, "/C": []}, {"/A/B": 1, "/C": None}, id="values may carry it or not"),
        pytest.param("GetValue", [], None, id="a root without a dictionary"),
    ],
)
def test_root_values(method, items, expected):
    assert dbus2prom.root_values(method, items) == expected


def test_a_service_under_a_new_owner_starts_empty():
    cache = bus({"vebus.ttyS4": {"/Ac/Out/P": 5}})
    assert cache.appear("com.victronenergy.vebus.ttyS4", ":1.0", at(1)) is None, "nothing new"
    again = cache.appear("com.victronenergy.vebus.ttyS4", ":1.77", at(1))
    assert (again.values, again.ready) == ({}, False)
    assert cache.owned_by(":1.0") == []


SILENCE = dbus2prom.SILENCE_S["vebus"]


@pytest.mark.parametrize(
    ("name", "values", "age_s", "believed"),
    [
        pytest.param("vebus.ttyS4", {"/State": 9}, SILENCE - 1, True, id="running, heard lately"),
        pytest.param("vebus.ttyS4", {"/State": 9}, SILENCE + 1, False, id="running and silent"),
        pytest.param("vebus.ttyS4", {"/State": None}, SILENCE + 1, False, id="state unknown and silent"),
        pytest.param("vebus.ttyS4", {"/State": 0}, 86_400, True, id="off: silence is natural"),
        pytest.param("tank.can0", {"/Level": 40}, 86_400, True, id="a tank may be silent for a day"),
    ],
)
def test_silence_is_judged_by_class(name, values, age_s, believed):
    cache = bus({name: values})
    cache.hide_silent(at(age_s))
    assert bool(service(cache, name).shown) is believed


def test_a_signal_brings_a_silent_service_back_and_reading_the_same_again_does_not():
    cache = bus({"vebus.ttyS4": {"/State": 9, "/Ac/Out/P": 5}})
    vebus = service(cache, "vebus.ttyS4")
    cache.hide_silent(at(20))
    cache.update(vebus, {"/Ac/Out/P": 5}, at(21))
    cache.set_ready(vebus, True, at(21))
    assert vebus.shown == {}, "a frozen device answers too"
    cache.update(vebus, {"/Ac/Out/P": 5}, at(22), told=True)
    assert vebus.shown["/Ac/Out/P"] == 5
    assert vebus.updated == at(22).wall
    cache.hide_silent(at(60))
    cache.update(vebus, {"/Ac/Out/P": 6}, at(61))
    assert vebus.shown["/Ac/Out/P"] == 6, "a change that was read proves it alive"


def test_a_new_path_or_instance_moves_the_version_and_a_value_does_not():
    cache = bus({"vebus.ttyS4": {"/DeviceInstance": 276, "/Ac/Out/P": 5}})
    vebus, before = service(cache, "vebus.ttyS4"), cache.version
    cache.update(vebus, {"/Ac/Out/P": 6}, at(1))
    assert cache.version == before
    cache.update(vebus, {"/Ac/Out/S": 6}, at(1))
    cache.update(vebus, {"/DeviceInstance": 277}, at(1))
    assert cache.version == before + 2
