"""A Modbus TCP client that can only read holding registers.

Function code 3 is the only request this module can encode, so nothing here can change a meter.
A reply counts only with the transaction and unit that were asked for; others are skipped.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
from dataclasses import dataclass

READ_HOLDING = 3
REGISTERS_MAX = 125
BUSY = 6
BUSY_RETRIES = 3
BUSY_PAUSE_S = 0.1

_HEADER = struct.Struct(">HHHB")
_FRAME_MAX = 260


class NoConnection(Exception):
    """The endpoint did not accept a connection, or ended it; the text says how."""


class NoReply(Exception):
    """No reply within the time."""


class NotModbus(Exception):
    """What came back is not a Modbus reply."""


class Refused(Exception):
    """The device answered with a Modbus exception; its number is in `code`."""

    def __init__(self, code: int):
        super().__init__(f"exception {code}")
        self.code = code


@dataclass(frozen=True)
class Timing:
    """How long to wait [s] and how often to try.

    Linux repeats a lost SYN after 1 s, so four short attempts find a live meter behind 20 % loss where
    one long attempt does not, and cost a dead address hardly more.
    """

    connect_s: float = 0.3
    connect_attempts: int = 4
    reply_s: float = 1.0


class Pacer:
    """Lets at most `per_second` connects start in a second, over all hosts."""

    def __init__(self, per_second: float):
        self._gap = 1.0 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        start = max(loop.time(), self._next)
        self._next = start + self._gap
        await asyncio.sleep(start - loop.time())


class Client:
    """One endpoint, at most one connection: made by the first read, and by a read after one that failed."""

    def __init__(self, ip: str, port: int, timing: Timing, pacer: Pacer):
        self._place = (ip, port)
        self._timing = timing
        self._pacer = pacer
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._transactions = itertools.cycle(range(1, 0x10000))

    async def read(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Return `count` register words from `address` (0-based), repeating while the device says it is busy."""
        for _ in range(BUSY_RETRIES):
            try:
                return await self._read_once(unit, address, count)
            except Refused as refused:
                if refused.code != BUSY:
                    raise
                await asyncio.sleep(BUSY_PAUSE_S)
        return await self._read_once(unit, address, count)

    async def close(self) -> None:
        if not self._streams:
            return
        writer, self._streams = self._streams[1], None
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass  # the other side was faster

    async def _read_once(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        reader, writer = self._streams or await self._connect()
        transaction = next(self._transactions)
        try:
            writer.write(encode_read(transaction, unit, address, count))
            await writer.drain()
            pdu = await asyncio.wait_for(_reply_to(reader, transaction, unit), self._timing.reply_s)
        except TimeoutError:
            failure = NoReply(f"no reply within {self._timing.reply_s} s")
        except (OSError, asyncio.IncompleteReadError):
            failure = NoConnection("the other side ended the connection")
        except NotModbus as error:
            failure = error
        else:
            return decode_read(pdu, count)
        # Half a reply may have been taken off the stream: what follows would be read out of step.
        await self.close()
        raise failure

    async def _connect(self):
        for attempt in range(1, self._timing.connect_attempts + 1):
            await self._pacer.turn()
            try:
                opening = asyncio.open_connection(*self._place)
                self._streams = await asyncio.wait_for(opening, self._timing.connect_s)
                return self._streams
            except ConnectionRefusedError:
                raise NoConnection("connection refused") from None
            except TimeoutError:
                reason = f"no answer to {attempt} connects of {self._timing.connect_s} s"
            except OSError as error:
                reason = error.strerror or str(error)
        raise NoConnection(reason)


def encode_read(transaction: int, unit: int, address: int, count: int) -> bytes:
    """The one request that can be sent: read `count` holding registers."""
    if not 1 <= count <= REGISTERS_MAX or not 0 <= address <= 0x10000 - count:
        raise ValueError(f"cannot read {count} registers from {address:#06x}: 1 to {REGISTERS_MAX}, below 0x10000")
    return _HEADER.pack(transaction, 0, 6, unit) + struct.pack(">BHH", READ_HOLDING, address, count)


def decode_read(pdu: bytes, count: int) -> tuple[int, ...]:
    """Register words of a reply's PDU; Refused or NotModbus when it is no such reply."""
    if len(pdu) == 2 and pdu[0] == READ_HOLDING | 0x80:
        raise Refused(pdu[1])
    if len(pdu) != 2 + 2 * count or pdu[0] != READ_HOLDING or pdu[1] != 2 * count:
        raise NotModbus(f"a reply of {len(pdu)} bytes starting {pdu[:2].hex()} to a read of {count} registers")
    return struct.unpack(f">{count}H", pdu[2:])


async def _reply_to(reader: asyncio.StreamReader, transaction: int, unit: int) -> bytes:
    while True:
        head = await reader.readexactly(_HEADER.size)
        got_transaction, protocol, length, got_unit = _HEADER.unpack(head)
        if protocol != 0 or not 3 <= length <= _FRAME_MAX - 6:
            raise NotModbus(f"bytes {head.hex()} are not a Modbus header")
        pdu = await reader.readexactly(length - 1)
        if (got_transaction, got_unit) == (transaction, unit):
            return pdu
