"""Registers to numbers and texts, and Modbus frames to registers."""

from __future__ import annotations

import math
import struct

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import modbus, registers
from hypothesis import given
from hypothesis import strategies as some

from tests.unit.acuvim.images import LIVE

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
