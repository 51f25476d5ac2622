"""HTTP as the exporter speaks it: requests cut anywhere, answers in one piece."""

from __future__ import annotations

import gzip

import pytest

from tests.unit.gx.exporter import dbus2prom

GET = b"GET /metrics HTTP/1.1\r\nHost: gx\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(GET + b"\r\n", ("GET", "/metrics", True, False), id="1.1 keeps alive"),
        pytest.param(GET + b"Connection: close\r\n\r\n", ("GET", "/metrics", False, False), id="close"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", ("GET", "/", False, False), id="1.0 closes"),
        pytest.param(b"GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n", ("GET", "/", True, False), id="1.0 asks"),
        pytest.param(b"HEAD /-/healthy?x=1 HTTP/1.1\r\n\r\n", ("HEAD", "/-/healthy", True, False), id="query is cut"),
        pytest.param(GET + b"Accept-Encoding: deflate, gzip\r\n\r\n", ("GET", "/metrics", True, True), id="gzip"),
        pytest.param(GET + b"Accept-Encoding: gzip;q=0\r\n\r\n", ("GET", "/metrics", True, False), id="gzip refused"),
        pytest.param(GET + b"Accept-Encoding: gzip;q=0.5\r\n\r\n", ("GET", "/metrics", True, True), id="gzip weighed"),
    ],
)
def test_parse_request(data, expected):
    for cut in range(len(data)):
        assert dbus2prom.parse_request(data[:cut]) == (None, data[:cut])
    request, rest = dbus2prom.parse_request(data + b"GET /n")
    assert (tuple(request), rest) == (expected, b"GET /n")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"nonsense\r\n\r\n", id="no request line"),
        pytest.param(b"GET / HTTP/2\r\n\r\n", id="another protocol"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", id="a body"),
        pytest.param(b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", id="a chunked body"),
        pytest.param(b"A" * 9000, id="too long"),
    ],
)
def test_what_is_no_request_is_refused(data):
    with pytest.raises(ValueError, match=r".+"):
        dbus2prom.parse_request(data)


@pytest.mark.parametrize(
    ("method", "gzipped", "text"),
    [
        pytest.param("GET", False, "short\n", id="plain"),
        pytest.param("GET", True, "short\n", id="too short to pack"),
        pytest.param("GET", True, "x 1\n" * 999, id="packed"),
        pytest.param("HEAD", False, "short\n", id="head"),
    ],
)
def test_response_is_one_piece_with_its_length(method, gzipped, text):
    request = dbus2prom.Request(method, "/", True, gzipped)
    head, body = dbus2prom.response("200 OK", "text/plain", text, request).split(b"\r\n\r\n", 1)
    headers = dict(line.split(b": ") for line in head.split(b"\r\n")[1:])
    packed = headers.get(b"Content-Encoding") == b"gzip"
    assert packed == (gzipped and len(text) > 500)
    if method == "HEAD":
        assert body == b""
        body = text.encode()
    assert int(headers[b"Content-Length"]) == len(body)
    assert (gzip.decompress(body) if packed else body).decode() == text
