"""Meters, things that are none, and both behaving badly: each is served by a process of its own.

python -m tests.integration.acuvim.decoys NAME IP PORT
"""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable

from tests.unit.acuvim import images
from tests.unit.acuvim.endpoints import RESET, Answer, Part, asked, frame, holding, refusal, registers, serving
from tests.unit.acuvim.images import DEAD, live, load

REPLY_TIMEOUT_S = 1.5
BELOW_TIMEOUT_S, ABOVE_TIMEOUT_S = 0.9, 2.5


def meter(serial: str | None = "AH24000001", values: dict | None = None, ct: int = 200, **options) -> dict:
    """The blocks of an Acuvim II."""
    blocks = images.acuvim(load() if values is None else values, serial, **options).words
    return {**blocks, 0x1003: (0, 0, 0, 400, 400, ct, 5)}


def everywhere(word: Callable[[int], int]) -> Answer:
    """A device that answers at every address; `word` gives the register there."""

    def answer(request: bytes) -> Iterable[Part]:
        _, address, count = asked(request)
        yield registers(request, [word(address + n) for n in range(count)])

    return answer


def units(devices: dict[int, dict]) -> Answer:
    """A gateway with a meter at each of these units."""

    def answer(request: bytes) -> Iterable[Part]:
        unit = asked(request)[0]
        yield from holding(devices.get(unit, {}), unit if unit in devices else -1)(request)

    return answer


def fragmented(request: bytes) -> Iterable[Part]:
    (whole,) = holding(meter("AH24000011"))(request)
    for n in range(0, len(whole), 7):
        yield whole[n : n + 7]
        yield 0.005


def slow_once(request: bytes) -> Iterable[Part]:
    if asked(request)[1] == 0x3000:
        yield BELOW_TIMEOUT_S
    yield from holding(meter("AH24000012"))(request)


def too_slow(request: bytes) -> Iterable[Part]:
    yield ABOVE_TIMEOUT_S
    yield from holding(meter("AH24000099"))(request)


def late_reply_first() -> Answer:
    """Before each reply comes the one to the request before, with its transaction id and other values."""
    stale = holding(meter("AH24000098", load(volts=277.0)))
    before: list[bytes] = []

    def answer(request: bytes) -> Iterable[Part]:
        if before:
            yield from stale(before.pop())
        before.append(request)
        yield from holding(meter("AH24000013"))(request)

    return answer


def busy_at_first() -> Answer:
    turns = itertools.count()

    def answer(request: bytes) -> Iterable[Part]:
        yield from [refusal(request, 6)] if next(turns) < 2 else holding(meter("AH24000014"))(request)

    return answer


def fails_after_the_live_block(request: bytes) -> Iterable[Part]:
    yield from holding(meter("AH24000015"))(request) if asked(request)[1] in (0x3000, 0xC350) else [RESET]


def other_unit(request: bytes) -> Iterable[Part]:
    _, _, count = asked(request)
    yield frame(request, struct.pack(">BB", 3, 2 * count) + bytes(2 * count), unit=77)


def short(request: bytes) -> Iterable[Part]:
    yield frame(request, b"\x03\x04\x42\x70\x00\x00")


def refusing(code: int) -> Answer:
    return lambda request: [refusal(request, code)]


def _noise(address: int) -> int:
    return random.Random(address).randrange(0x10000)


_PLC = struct.unpack(">2H", struct.pack(">f", 230.0))
_NAN_EVERYWHERE = dict.fromkeys(images.LIVE, math.nan)

ANSWERS: dict[str, Answer] = {
    "II with SunSpec": holding(meter("AH24000001")),
    "II without identity": holding(meter(None)),
    "II with a dead bus": holding(meter("AH24000003", DEAD)),
    "II word-swapped": holding(meter(None, order="CDAB")),
    "II in kW": holding(meter("AH24000005", images.kilo(load()))),
    "II sold by Eaton": holding({0x3000: live(load()), 0xF000: images.text("CRD", 2), 0xF040: images.text("EH06", 6)}),
    "II with one value NaN": holding(meter("AH24000007", load(Ib=math.nan))),
    "II at 0x4000 only": holding({0x4000: live(load())}),
    "II at unit 255": holding(meter("AH24000009"), 255, absent=10),
    "II at unit 2": holding(meter("AH24000010"), 2, absent=11),
    "II fragmented": fragmented,
    "II slow, below the timeout": slow_once,
    "II with late replies": late_reply_first(),
    "II busy at first": busy_at_first(),
    "II that breaks off": fails_after_the_live_block,
    "L": holding(images.legacy_l(load())),
    "Acuvim 3": holding(images.acuvim3(load())),
    "II, fast-read mode": holding({0xC350: images.sunspec("AH24000090"), 0x3400: images.fast_read(load())}),
    # While it is on, 0x0600 is off and 0x3000 has no averages.
    "L, fast-read mode": holding({0x3000: live(load(Vln=0, Vll=0, I=0)), 0x3400: images.fast_read(load())}),
    "all zero": everywhere(lambda _: 0),
    "AcuRev 2100": holding(images.acurev_2100(load())),
    "AcuRev 1310": holding({**images.acurev_1310(load()), 0x1000: images.sunspec("AR24000001", model="AcuRev 1312")}),
    "AcuDC": holding(images.acudc()),
    "SunSpec inverter": holding({0x3000: live(load()), 0xC350: images.sunspec("3001", "SMA", "STP 20000")}),
    "Eastron": holding(images.block({"Va": 0x0000, "Vb": 0x0002, "Vc": 0x0004}, load(), 80)),
    "all 0x4248": everywhere(lambda _: 0x4248),
    "echo of the address": everywhere(lambda address: address),
    "noise": everywhere(_noise),
    "PLC full of 230.0": everywhere(lambda address: _PLC[address % 2]),
    "NaN everywhere": holding({0x3000: live(_NAN_EVERYWHERE), 0x0600: images.legacy_l(_NAN_EVERYWHERE)[0x0600]}),
    "infinite current": holding({0x3000: live(load(Ia=math.inf))}),
    "mute": lambda _: [],
    "reset": lambda _: [RESET],
    "slow, above the timeout": too_slow,
    "another unit's echo": other_unit,
    "short byte count": short,
    "web server": lambda _: [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"],
    **{f"exception {code}": refusing(code) for code in (1, 2, 4, 6, 10, 11)},
    "two units": units({3: meter("AH24000031"), 7: meter("AH24000037")}),
    "meter A": holding(meter("AH24000041")),
    "meter A with another CT": holding(meter("AH24000041", ct=400)),
    "meter B": holding(meter("AH24000042")),
}


def serve_silence(listener: socket.socket) -> None:
    """Never accept: with a full backlog connects go unanswered."""
    with socket.socket() as occupant:
        occupant.connect(listener.getsockname())
        _ready()


def serve_banner(listener: socket.socket) -> None:
    threading.Thread(target=_greet, args=(listener,), daemon=True).start()
    _ready()


def _greet(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")


def serve_one_connection(listener: socket.socket) -> None:
    """A meter with one slot: who comes while it is taken is reset."""
    slot = threading.Semaphore(1)
    threading.Thread(target=_take_turns, args=(listener, slot), daemon=True).start()
    _ready()


def _take_turns(listener: socket.socket, slot: threading.Semaphore) -> None:
    while True:
        connection, _ = listener.accept()
        if slot.acquire(blocking=False):
            threading.Thread(target=_converse, args=(connection, slot), daemon=True).start()
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()


def _converse(connection: socket.socket, slot: threading.Semaphore) -> None:
    answer = holding(meter("AH24000016"))
    with connection, contextlib.suppress(OSError):
        while len(request := connection.recv(12)) == 12:
            connection.sendall(b"".join(answer(request)))
    slot.release()


# Behaviour below Modbus: backlog of the listener, and who serves it.
SERVERS: dict[str, tuple[int, Callable[[socket.socket], None]]] = {
    "silent": (0, serve_silence),
    "SSH server": (5, serve_banner),
    "II with one connection": (5, serve_one_connection),
}


def _ready() -> None:
    print("ready", flush=True)
    signal.pause()


def main(name: str, ip: str, port: str) -> None:
    if name in ANSWERS:
        with serving(ANSWERS[name], ip, port=int(port)):
            _ready()
    backlog, serve = SERVERS[name]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ip, int(port)))
        listener.listen(backlog)
        serve(listener)


if __name__ == "__main__":
    main(*sys.argv[1:])
