"""TCP endpoints that answer well, badly or not at all."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator

RESET = object()
Part = bytes | float | object
Answer = Callable[[bytes], Iterable[Part]]


def frame(request: bytes, pdu: bytes, transaction: int | None = None, unit: int | None = None) -> bytes:
    asked_transaction, _, _, asked_unit = struct.unpack(">HHHB", request[:7])
    first = asked_transaction if transaction is None else transaction
    return struct.pack(">HHHB", first, 0, len(pdu) + 1, asked_unit if unit is None else unit) + pdu


def registers(request: bytes, words: Iterable[int]) -> bytes:
    packed = b"".join(struct.pack(">H", word) for word in words)
    return frame(request, struct.pack(">BB", 3, len(packed)) + packed)


def refusal(request: bytes, code: int) -> bytes:
    return frame(request, bytes((0x83, code)))


def asked(request: bytes) -> tuple[int, int, int]:
    """Unit, address and count of a read request."""
    return request[6], *struct.unpack(">HH", request[8:12])


def holding(words: dict[int, tuple[int, ...]], unit: int = 1, absent: int = 11) -> Answer:
    """A device with these register blocks at one unit; another unit is `absent`."""

    def answer(request: bytes) -> Iterator[bytes]:
        asked_unit, address, count = asked(request)
        block = words.get(address, ())
        if asked_unit != unit:
            yield refusal(request, absent)
        elif len(block) < count:
            yield refusal(request, 2)
        else:
            yield registers(request, block[:count])

    return answer


@contextlib.contextmanager
def serving(
    answer: Answer, ip: str = "127.10.4.11", accepted: list | None = None, port: int = 0
) -> Iterator[tuple[str, int]]:
    """Listen; each 12 bytes that come in are answered by the parts: bytes, a pause [s], or RESET.

    `accepted` takes the client of each connection.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            if accepted is not None:
                accepted.append(self.client_address)
            with contextlib.suppress(OSError):
                while len(request := self.request.recv(12)) == 12:
                    for part in answer(request):
                        if part is RESET:
                            linger = struct.pack("ii", 1, 0)
                            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                            self.request.close()
                            return
                        if isinstance(part, float):
                            time.sleep(part)
                        else:
                            self.request.sendall(part)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server((ip, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def silent(ip: str = "127.10.4.12") -> Iterator[tuple[str, int]]:
    """An address where connects go unanswered: its backlog is full."""
    with socket.socket() as listener, socket.socket() as occupant:
        listener.bind((ip, 0))
        listener.listen(0)
        occupant.connect(listener.getsockname())
        yield listener.getsockname()
