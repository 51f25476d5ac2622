"""The HTTP server of the exporter against clients that behave and clients that do not."""

from __future__ import annotations

import gzip
import http.client
import socket
from pathlib import Path

import pytest

from tests.parts.process import wait_until
from tests.unit.gx.exporter import dbus2prom

pytestmark = pytest.mark.real

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: gx\r\n\r\n"


def connect(exporter) -> socket.socket:
    return socket.create_connection(("127.0.0.1", exporter.ports["fast"]), timeout=5)


def test_many_scrapes_over_one_connection(exporter):
    client = http.client.HTTPConnection("127.0.0.1", exporter.ports["fast"], timeout=5)
    seen = set()
    for _ in range(3):
        client.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        reply = client.getresponse()
        assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b"dbus2prom_uptime_seconds" in gzip.decompress(reply.read())
        seen.add(client.sock.getsockname())
    assert len(seen) == 1
    client.close()


def test_a_whole_answer_comes_in_one_piece(exporter):
    with connect(exporter) as client:
        client.sendall(REQUEST)
        first = client.recv(1 << 20)
    head, body = first.split(b"\r\n\r\n", 1)
    assert int(head.split(b"Content-Length: ")[1]) == len(body)


def test_requests_that_arrive_in_pieces_and_together(exporter):
    with connect(exporter) as client:
        client.sendall(REQUEST[:20])
        client.sendall(REQUEST[20:] + REQUEST.replace(b"/metrics", b"/-/healthy") + b"HEAD / HTTP/1.0\r\n\r\n")
        received = b""
        while piece := client.recv(1 << 16):
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.endswith(b"Content-Length: 3\r\n\r\n"), "HEAD has no body, and 1.0 closes"


def test_a_slow_reader_gets_everything(exporter):
    with socket.socket() as client:
        client.settimeout(20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", exporter.ports["fast"]))
        client.sendall(REQUEST * 99 + REQUEST.replace(b"Host", b"Connection: close\r\nHost"))
        assert exporter.value("dbus2prom_uptime_seconds"), "others are served meanwhile"
        received = b""
        while piece := client.recv(1 << 16):
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == 100
    assert len(received) > 2 * dbus2prom.SEND_BYTES, "more than the kernel holds"


def test_a_client_that_only_asks_is_cut_off(exporter):
    with connect(exporter) as client, pytest.raises(ConnectionError):
        client.sendall(REQUEST * 500_000)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET /elsewhere HTTP/1.1\r\n\r\n", b"404", id="unknown path"),
        pytest.param(b"PUT /metrics HTTP/1.1\r\n\r\n", b"405", id="only reading"),
        pytest.param(b"\x16\x03\x01 nonsense\r\n\r\n", b"400", id="no HTTP"),
        pytest.param(b"x" * 9000, b"400", id="endless head"),
    ],
)
def test_wrong_requests_are_told_so(exporter, request_bytes, status):
    with connect(exporter) as client:
        client.sendall(request_bytes)
        assert client.recv(4096).startswith(b"HTTP/1.1 " + status)


def test_clients_that_do_not_read_hold_nobody_up_and_the_longest_idle_is_let_go(exporter):
    files = Path(f"/proc/{exporter.pid}/fd")
    before = len(list(files.iterdir()))
    greedy = [connect(exporter) for _ in range(dbus2prom.CONNECTIONS + 4)]
    try:
        greedy[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for client in greedy:
            client.settimeout(0.2)
            try:
                client.sendall(REQUEST * 200)
            except OSError:
                pass  # the server stopped listening to it, which is the point
        wait_until(lambda: exporter.value("dbus2prom_uptime_seconds"), 5, "another client is served")
        assert len(list(files.iterdir())) <= before + dbus2prom.CONNECTIONS
    finally:
        for client in greedy:
            client.close()
