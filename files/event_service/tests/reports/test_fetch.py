"""A store that refuses, lies or breaks off gives a sentence and never half a report."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from event_service.reports.fetch import fetch, flush
from event_service.reports.model import ReportError

LINE = b'{"metric":{"__name__":"acuvim_P","system_id":"m"},"values":[1,null,"Infinity",4],"timestamps":[1,2,3,4]}\n'


@pytest.fixture
def store():
    """A server that answers export with what a test says: status, body, length to promise."""
    answers = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, body, length = answers["export"]
            answers.setdefault("paths", []).append(self.path)
            answers["encoding"] = self.headers.get("Accept-Encoding")
            self.send_response(status)
            if length == "chunked":
                self.send_header("Transfer-Encoding", "chunked")
                body = b"%x\r\n%b\r\n" % (len(body), body)  # and never the last, empty chunk
            else:
                self.send_header("Content-Length", str(length or len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    answers["url"] = f"http://127.0.0.1:{server.server_port}"
    yield answers
    server.shutdown()
    server.server_close()


def ask(store, start_ms=0, end_ms=10):
    return fetch(store["url"], "m", ["acuvim_P"], start_ms, end_ms)


def test_values_that_are_no_numbers_are_kept_apart_for_the_clean_up(store):
    store["export"] = (200, LINE, None)
    (found,) = ask(store)
    assert found.times_ms.tolist() == [1, 2, 3, 4]
    assert [str(value) for value in found.values] == ["1.0", "nan", "inf", "4.0"]


def test_it_asks_for_an_explicit_end_and_no_compression(store):
    store["export"] = (200, b"", None)
    assert ask(store, 1_795_500_000_123, 1_795_500_060_456) == []
    assert "start=1795500000.123&end=1795500060.456" in store["paths"][0]
    assert store["encoding"] == "identity"


def test_a_series_in_several_lines_is_one(store):
    store["export"] = (200, LINE + LINE, None)
    (found,) = ask(store)
    assert len(found.times_ms) == 8


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param((422, b"cannot parse selector", None), "refused /api/v1/export: 422 cannot parse", id="refused"),
        pytest.param((503, b"", None), "503", id="unavailable"),
        pytest.param((200, LINE[:50], 500), "broke off", id="cut off in a line"),
        pytest.param((200, LINE, 5000), "broke off", id="cut off after a line"),
        pytest.param((200, LINE, "chunked"), "broke off", id="cut off after a chunk"),
        pytest.param((200, b"<html>login</html>\n", None), "no series", id="a login page"),
        pytest.param((200, b'{"metric":{},"values":[1],"timestamps":[1,2]}\n', None), "2 times for 1", id="uneven"),
        pytest.param((200, b'{"metric":{},"values":["x"],"timestamps":[1]}\n', None), "no series", id="a word"),
    ],
)
def test_a_store_that_fails(store, answer, told):
    store["export"] = answer
    with pytest.raises(ReportError, match=told):
        ask(store)


def test_nobody_there():
    with pytest.raises(ReportError, match="VM_QUERY_URL"):
        fetch("http://127.0.0.1:9", "m", ["acuvim_P"], 0, 10)
    with pytest.raises(ReportError, match="not an address"):
        fetch("victoria-metrics:8428", "m", ["acuvim_P"], 0, 10)


def test_a_flush_that_is_refused_is_no_error(store):
    store["export"] = (401, b"", None)
    flush(store["url"])
    flush("http://127.0.0.1:9")


def test_too_many_samples_are_refused_with_a_remedy(store, monkeypatch):
    monkeypatch.setattr("event_service.reports.fetch.MAX_SAMPLES", 3)
    store["export"] = (200, LINE, None)
    with pytest.raises(ReportError, match="Split it"):
        ask(store)
