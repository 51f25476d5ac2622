"""Registers to numbers and texts, and Modbus frames to registers."""

from __future__ import annotations

import math
import struct

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import families, modbus, registers
from hypothesis import given
from hypothesis import strategies as some

from tests.unit.acuvim.images import LIVE, LIVE_3, LIVE_1310, LIVE_2100, LIVE_L

WORD = some.integers(0, 0xFFFF)
SINGLE = some.floats(width=32)


@given(some.lists(SINGLE, min_size=1, max_size=60), some.sampled_from(["ABCD", "CDAB"]))
def test_floats_come_back_as_they_were_packed(values, order):
    packed = [struct.pack(">f", value) for value in values]
    raw = b"".join(part if order == "ABCD" else part[2:] + part[:2] for part in packed)

    decoded = registers.floats(struct.unpack(f">{len(raw) // 2}H", raw), order)

    assert [struct.pack(">f", value) for value in decoded] == packed


@given(some.lists(WORD, max_size=40))
def test_text_never_holds_what_would_need_quoting(words):
    assert not set(registers.text(words)) & set("\"\\\n\r\t\0$`{}#'")


@given(some.text(alphabet="ABCXYZ0189", max_size=32))
def test_plain_text_comes_back(value):
    raw = value.encode().ljust(64, b"\0")

    assert registers.text(struct.unpack(">32H", raw)) == value


@pytest.mark.parametrize(("name", "offset"), LIVE.items())
def test_each_live_field_lies_where_the_manual_has_it(name, offset):
    assert [field.offset for field in registers.LIVE_FIELDS if field.name == name] == [offset]


@pytest.mark.parametrize(
    ("family", "places"),
    [("acuvim_l", LIVE_L), ("acuvim3", LIVE_3), ("acurev2100", LIVE_2100), ("acurev1310", LIVE_1310)],
)
def test_each_field_of_a_family_lies_where_its_map_has_it(family, places):
    known = families.of(family)

    assert {field.name: known.blocks[0] + field.offset for field in known.live_fields if not field.is_filler} == places


@pytest.mark.parametrize("family", families.FAMILIES, ids=lambda family: family.name)
def test_the_live_values_of_a_family_are_one_read_without_a_gap(family):
    assert [field.offset for field in family.live_fields] == list(range(0, family.size, 2))
    assert all(count <= modbus.REGISTERS_MAX for count in (family.size, *family.more.values()))


SLOW = {
    "acuvim2": {
        "P_demand": 0x4042, "Q_demand": 0x4044, "S_demand": 0x4046, "THD_Va": 0x405A, "THD_V": 0x405D,
        "THD_Ia": 0x405E, "THD_I": 0x4061, "angle_Vb": 0x42A0, "angle_Vc": 0x42A1, "angle_Ia": 0x42A2,
        "angle_Ic": 0x42A4, "Ep_imp": 0x4048, "Es": 0x4058,
    },
    "acuvim_l": {
        "Ep_imp": 0x0156, "Ep_exp": 0x0158, "Eq_imp": 0x015A, "Eq_exp": 0x015C, "Es": 0x015E, "S_demand": 0x063E,
        "P_demand": 0x0640, "Q_demand": 0x0642, "THD_Va": 0x0400, "THD_Ia": 0x0403, "THD_Ic": 0x0405,
    },
    "acuvim3": {
        "Ep_imp": 0x65CC, "Eq_imp": 0x65DC, "Ep_exp": 0x65EC, "Eq_exp": 0x65FC, "Ep_net": 0x660C, "Eq_net": 0x661C,
        "Ep_total": 0x662C, "Eq_total": 0x663C, "P_demand": 0x619E, "Q_demand": 0x61A6, "S_demand": 0x61AE,
        "THD_Va": 0x219A, "THD_Vc": 0x219E, "THD_Ia": 0x21B2, "THD_Ic": 0x21B6,
    },
}  # fmt: skip


@pytest.mark.parametrize("family", SLOW)
def test_what_is_polled_seldom_lies_where_the_map_has_it(family):
    known = families.of(family)
    slow = [part for part in (known.energy, known.demand, known.thd, known.angles) if part]
    places = {field.name: part.address + field.offset for part in slow for field in part.fields}

    assert {name: places[name] for name in SLOW[family]} == SLOW[family]


@pytest.mark.parametrize(
    ("name", "address", "kind"),
    [
        ("Ep_imp", 16456, "UINT32"),
        ("Ep_exp", 16458, "UINT32"),
        ("Eq_imp", 16460, "UINT32"),
        ("Eq_exp", 16462, "UINT32"),
        ("Ep_total", 16464, "UINT32"),
        ("Ep_net", 16466, "INT32"),
        ("Eq_total", 16468, "UINT32"),
        ("Eq_net", 16470, "INT32"),
        ("Es", 16472, "UINT32"),
    ],
)
def test_each_counter_lies_where_the_manual_has_it(name, address, kind):
    (field,) = [field for field in registers.ENERGY_FIELDS if field.name == name]

    assert (registers.ENERGY + field.offset, field.kind, field.factor) == (address, kind, 0.1)


@pytest.mark.parametrize("blank", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_stays_none(blank):
    assert not math.isfinite(registers.floats(struct.unpack(">2H", struct.pack(">f", blank)), "ABCD")[0])


def test_a_request_is_the_frame_of_the_specification():
    # Transaction 1, protocol 0, 6 bytes follow: unit 17, function 3, register 0x006B, three of them.
    assert modbus.encode_read(1, 17, 0x006B, 3) == bytes.fromhex("0001 0000 0006 11 03 006b 0003")


@pytest.mark.parametrize(("address", "count"), [(0, 0), (0, 126), (0xFFFF, 2), (-1, 1)])
def test_a_request_that_the_protocol_does_not_allow_cannot_be_made(address, count):
    with pytest.raises(ValueError, match="cannot read"):
        modbus.encode_read(1, 1, address, count)


@given(some.lists(WORD, min_size=1, max_size=125))
def test_a_reply_comes_back_as_its_registers(words):
    pdu = struct.pack(f">BB{len(words)}H", 3, 2 * len(words), *words)

    assert modbus.decode_read(pdu, len(words)) == tuple(words)


@given(some.binary(max_size=260), some.integers(1, 125))
def test_any_bytes_are_registers_or_a_named_refusal(pdu, count):
    try:
        words = modbus.decode_read(pdu, count)
    except (modbus.Refused, modbus.NotModbus):
        return
    assert pdu == struct.pack(f">BB{count}H", 3, 2 * count, *words)


@pytest.mark.parametrize(
    "pdu",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x03\x04\x00\x01", id="fewer bytes than it says"),
        pytest.param(b"\x03\x02\x00\x01", id="fewer registers than asked"),
        pytest.param(b"\x04\x04\x00\x01\x00\x02", id="another function"),
    ],
)
def test_a_short_or_foreign_reply_is_no_reply(pdu):
    with pytest.raises(modbus.NotModbus):
        modbus.decode_read(pdu, 2)
