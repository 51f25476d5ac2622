"""One read over any stream of bytes: the right reply is found among late and foreign ones, and a cut one is none."""

from __future__ import annotations

import asyncio
import itertools
import struct
from unittest import mock

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import modbus
from hypothesis import given
from hypothesis import strategies as some

WORDS = some.lists(some.integers(0, 0xFFFF), min_size=1, max_size=125)
UNIT = 1


def frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def reply(words: list[int]) -> bytes:
    return struct.pack(f">BB{len(words)}H", 3, 2 * len(words), *words)


# Replies that were asked for by somebody else, or by an earlier request; the first transaction of a client is 1.
PDU = some.one_of(WORDS.map(reply), some.integers(1, 11).map(lambda code: bytes((0x83, code))))
STALE = some.tuples(some.integers(0, 0xFFFF), some.integers(0, 255), PDU).filter(lambda part: part[:2] != (1, UNIT))


class Wire:
    """The writing end of a connection whose other side sends these bytes, whatever is asked, and hangs up."""

    def __init__(self, reader: asyncio.StreamReader, sent: bytes, cuts: list[int]):
        self._reader, self._sent, self._cuts = reader, sent, cuts

    def write(self, _request: bytes) -> None:
        self._feeding = asyncio.ensure_future(self._feed())

    async def _feed(self) -> None:
        edges = sorted({0, len(self._sent), *(cut % (len(self._sent) + 1) for cut in self._cuts)})
        for start, end in itertools.pairwise(edges):
            self._reader.feed_data(self._sent[start:end])
            await asyncio.sleep(0)  # the client reads what is there
        self._reader.feed_eof()

    async def drain(self) -> None:
        pass

    def close(self) -> None:
        pass

    async def wait_closed(self) -> None:
        pass


def read(sent: bytes, count: int, cuts: list[int]) -> tuple[int, ...]:
    """What one read of a client makes of it."""

    async def once() -> tuple[int, ...]:
        reader = asyncio.StreamReader()
        connect = mock.AsyncMock(return_value=(reader, Wire(reader, sent, cuts)))
        client = modbus.Client("127.0.0.1", 502, modbus.Timing(), modbus.Pacer(1e6))
        with mock.patch("asyncio.open_connection", connect):
            return await client.read(UNIT, 0x3000, count)

    return asyncio.run(once())


CUTS = some.lists(some.integers(0, 2000), max_size=6)


@given(some.lists(STALE, max_size=4), WORDS, CUTS)
def test_the_reply_is_found_behind_late_and_foreign_ones_however_it_is_cut(stale, words, cuts):
    sent = b"".join(frame(*part) for part in stale) + frame(1, UNIT, reply(words))

    assert read(sent, len(words), cuts) == tuple(words)


@given(some.lists(STALE, max_size=4), some.integers(1, 125), CUTS)
def test_late_and_foreign_replies_alone_are_none(stale, count, cuts):
    with pytest.raises(modbus.NoConnection):
        read(b"".join(frame(*part) for part in stale), count, cuts)


@given(WORDS, some.data())
def test_a_reply_that_breaks_off_is_none(words, data):
    whole = frame(1, UNIT, reply(words))
    kept = data.draw(some.integers(0, len(whole) - 1))

    with pytest.raises(modbus.NoConnection):
        read(whole[:kept], len(words), [])


@given(WORDS, some.integers(1, 125))
def test_a_reply_of_another_length_is_none(words, count):
    if count != len(words):
        with pytest.raises(modbus.NotModbus):
            read(frame(1, UNIT, reply(words)), count, [])


@given(some.binary(max_size=600), some.integers(1, 125), CUTS)
def test_any_bytes_are_registers_or_a_named_failure(sent, count, cuts):
    try:
        words = read(sent, count, cuts)
    except (modbus.NoConnection, modbus.NotModbus, modbus.Refused):
        return
    assert frame(1, UNIT, reply(list(words))) in sent
