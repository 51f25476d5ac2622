"""Delivery of markers, against a stand-in for VictoriaMetrics that can be away, refuse, forget and restart."""

from __future__ import annotations

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from event_service.victoria import VictoriaAway, selector

MS = 1_000_000
NOW = 1_795_501_800_123_456_789


class StandIn:
    """Takes lines as VictoriaMetrics does, and answers what the outbox asks. `lines` are those it holds now."""

    def __init__(self):
        self.lines: list[str] = []
        self.status = 204
        self.shows = True
        self.start = 1000
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def restart(self, *, keeps: int) -> None:
        """Start again with only the first lines: the last seconds were not on disk."""
        self.start += 1
        del self.lines[keeps:]

    def _handler(stand_in):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                line = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if stand_in.status == 204:
                    stand_in.lines.append(line.removesuffix("\n"))
                self.send_response(stand_in.status)
                self.end_headers()

            def do_GET(self):
                path, _, query = self.path.partition("?")
                body = b""
                if path == "/metrics":
                    body = b"vm_app_uptime_seconds 5\nvm_app_start_timestamp %d\n" % stand_in.start
                if path == "/api/v1/export" and stand_in.shows:
                    body = stand_in.export(urllib.parse.parse_qs(query)["start"][0])
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def export(self, at: str) -> bytes:
        held = [line.split(" ") for line in self.lines]
        found = [(int(ts) // MS, int(field[7])) for *_, field, ts in held if int(ts) // MS == round(float(at) * 1000)]
        return json.dumps({"timestamps": [ms for ms, _ in found], "values": [value for _, value in found]}).encode()


@pytest.fixture
def vm():
    stand_in = StandIn()
    yield stand_in
    stand_in.server.shutdown()
    stand_in.server.server_close()


@pytest.fixture
def api(make_api, vm):
    return make_api(VM_WRITE_URL=f"{vm.url}/write", VM_QUERY_URL=vm.url)


@pytest.fixture
def outbox(api):
    return api.service.outbox


def start(api, event="load_test", **more):
    return api.done("/api/event/start", system_id="rig_01", event_id=event, **more)


def states(api):
    """Of each marker: accepted, read back, settled."""
    return api.rows("SELECT sent_ns IS NOT NULL, seen_ns IS NOT NULL, settled_ns IS NOT NULL FROM outbox ORDER BY id")


def test_markers_arrive_in_order_and_are_read_back(api, outbox, vm):
    start(api)
    api.clock.advance(5)
    api.done("/api/event/end", system_id="rig_01")

    still_busy = outbox.step()

    assert [line.split(" ")[1] for line in vm.lines] == ["active=1i", "active=0i"]
    assert states(api) == [(1, 1, 0)] * 2
    assert not still_busy


def test_a_delivery_is_logged_as_operators_look_for_it(api, outbox, caplog):
    caplog.set_level("INFO")
    start(api)
    outbox.step()

    assert "Wrote 1 lines to VM" in caplog.messages


def test_nothing_is_lost_while_nobody_answers(make_api):
    api = make_api()
    start(api)

    for _ in range(3):
        with pytest.raises(VictoriaAway):
            api.service.outbox.step()

    assert states(api) == [(0, 0, 0)]


def test_a_server_error_keeps_the_line_and_those_behind_it(api, outbox, vm):
    start(api)
    start(api, event="second", replace=True)
    vm.status = 503
    with pytest.raises(VictoriaAway):
        outbox.step()
    vm.status = 204
    outbox.step()

    assert [line.split(",")[1] for line in vm.lines] == ["event_id=load_test", "event_id=load_test", "event_id=second"]


def test_a_refused_line_is_put_aside_with_the_reason_and_the_rest_goes_on(api, outbox, vm):
    start(api)
    vm.status = 400
    outbox.step()
    vm.status = 204
    api.clock.advance(1)
    api.done("/api/event/end", system_id="rig_01")
    outbox.step()

    assert states(api) == [(0, 0, 0), (1, 1, 0)]
    assert "400" in api.rows("SELECT refused FROM outbox")[0][0]
    assert "\novr_outbox_refused 1\n" in api.client.get("/metrics").text


def test_what_was_accepted_and_never_appeared_is_sent_again(api, outbox, vm):
    start(api)
    vm.shows = False
    assert outbox.step()
    api.clock.advance(31)
    outbox.step()
    vm.shows = True
    outbox.step()

    assert vm.lines[:2] == [vm.lines[0]] * 2
    assert states(api) == [(1, 1, 0)]


def test_markers_that_a_restart_lost_are_sent_again(api, outbox, vm):
    start(api)
    outbox.step()
    api.clock.advance(20)
    vm.restart(keeps=0)
    outbox.step()
    outbox.step()

    assert vm.lines[0].endswith(f"active=1i {NOW}")
    assert states(api) == [(1, 1, 0)]


def test_a_restart_is_noticed_by_a_service_that_was_restarted_too(api, make_api, vm):
    start(api)
    api.service.outbox.step()
    api.service.store.close()
    vm.restart(keeps=0)

    again = make_api(VM_WRITE_URL=f"{vm.url}/write", VM_QUERY_URL=vm.url)
    again.service.outbox.step()
    again.service.outbox.step()

    assert vm.lines == [f"ovr_event,event_id=load_test,system_id=rig_01,location=- active=1i {NOW}"]


def test_after_a_minute_in_one_start_a_marker_is_settled_and_not_sent_again(api, outbox, vm):
    start(api)
    api.done("/api/event/end", system_id="rig_01")
    outbox.step()
    api.clock.advance(61)
    outbox.step()
    settled = states(api)
    vm.restart(keeps=0)
    api.clock.advance(10)
    outbox.step()

    assert settled == [(1, 1, 1)] * 2
    assert vm.lines == []


def test_an_active_event_beats_every_ten_seconds_until_it_ends(api, outbox, vm):
    start(api, location="yard")
    for _ in range(25):
        outbox.step()
        api.clock.advance(1)
    api.done("/api/event/end", system_id="rig_01")
    for _ in range(25):
        outbox.step()
        api.clock.advance(1)

    beats = [(line.split(" ")[-2], round((int(line.split(" ")[-1]) - NOW) / (1000 * MS))) for line in vm.lines]
    assert beats == [("active=1i", 0), ("active=1i", 10), ("active=1i", 20), ("active=0i", 25)]


def test_a_back_dated_end_still_stands_after_the_last_beat(api, outbox, vm):
    start(api)
    api.clock.advance(10)
    outbox.step()
    outbox.step()
    api.done("/api/event/end", system_id="rig_01", ts=NOW + 5000 * MS)
    outbox.step()

    times = [int(line.split(" ")[-1]) // MS for line in vm.lines]
    assert times == sorted(set(times))
    assert vm.lines[-1].split(" ")[-2] == "active=0i"
    assert api.rows("SELECT end_ns FROM run") == [(NOW + 5000 * MS,)]


def test_a_marker_older_than_victoria_metrics_keeps_is_not_sent_for_ever(api, outbox):
    start(api)
    api.clock.advance(31 * 86_400)
    outbox.step()

    assert "older" in api.rows("SELECT refused FROM outbox")[0][0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('a "b" \\', r'x{event_id="a \"b\" \\"}', id="quotes and backslash"),
        pytest.param("é🍭\u2028", 'x{event_id="é🍭\u2028"}', id="characters stay as they are"),
    ],
)
def test_a_selector_quotes_its_values(text, expected):
    assert selector("x", {"event_id": text}) == expected
