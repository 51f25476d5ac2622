"""The HTTP side as such: keys, repeats, other sites, ids in paths, what is never answered with 5xx."""

from __future__ import annotations

import json
import sqlite3

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from event_service.api import openapi

START = {"system_id": "rig_01", "event_id": "load_test"}


# Idempotency-Key ------------------------------------------------------------------------------------------------------


def keyed(api, key, path="/api/event/start", **body):
    return api.post(path, headers={"Idempotency-Key": key}, **body)


def test_the_same_key_gets_the_first_answer(api):
    first = keyed(api, "k1", path="/api/note", system_id="rig_01", msg="once")
    api.clock.advance(3600)
    again = keyed(api, "k1", path="/api/note", system_id="rig_01", msg="once")

    assert first == again
    assert len(api.get("/api/notes")[1]["notes"]) == 1


def test_a_refusal_is_repeated_too(api):
    refused = keyed(api, "k1", path="/api/event/end", system_id="rig_01")
    api.done("/api/event/start", **START)

    assert refused[0] == 400
    assert keyed(api, "k1", path="/api/event/end", system_id="rig_01") == refused


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/api/event/start", {**START, "event_id": "other"}, id="another body"),
        pytest.param("/api/note", {**START, "msg": "x"}, id="another path"),
    ],
)
def test_a_key_of_another_request_is_refused(api, path, body):
    keyed(api, "k1", **START)

    status, problem = keyed(api, "k1", path=path, **body)

    assert status == 422
    assert "was used for another request" in problem["error"]


@pytest.mark.parametrize("key", ["", "x" * 256, "é"], ids=["empty", "long", "not ASCII"])
def test_what_no_key_may_be(api, key):
    assert keyed(api, key, **START)[0] == 422


def test_answers_are_kept_for_thirty_days_and_more(api):
    first = keyed(api, "k1", **START)
    for _ in range(31):
        api.clock.advance(86_400)
        api.service.jobs._prune()

    assert keyed(api, "k1", **START) == first


# The key of the box ---------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(make_api):
    return make_api(API_KEY="geheim-é")


def test_writes_need_the_key_and_reading_does_not(locked):
    assert locked.post("/api/event/start", **START)[0] == 401
    assert locked.get("/api/status")[0] == 200
    as_sent = "geheim-é".encode().decode("latin-1")
    assert locked.post("/api/event/start", headers={"X-API-Key": as_sent}, **START)[0] == 200


@pytest.mark.parametrize("key", ["", "wrong", "geheim-\xff", "x" * 5000], ids=["empty", "wrong", "not UTF-8", "long"])
def test_a_wrong_key_is_refused(locked, key):
    assert locked.post("/api/event/start", headers={"X-API-Key": key}, **START)[0] == 401


def test_guessing_keys_is_slowed_down(locked):
    answers = [locked.post("/api/note", headers={"X-API-Key": str(n)}, msg="x")[0] for n in range(12)]

    assert answers == [401] * 10 + [429] * 2


# Pages of other sites -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a program"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="our own page"),
        pytest.param({"Sec-Fetch-Site": "none"}, 200, id="the address bar"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403, id="a neighbour"),
        pytest.param({"Origin": "http://localhost"}, 200, id="old browser, our page"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="old browser, another site"),
        pytest.param({"Origin": "null"}, 403, id="a sandboxed page"),
        pytest.param({"Origin": "http://[bad"}, 403, id="an origin that is none"),
    ],
)
def test_only_our_own_page_and_programs_may_write(api, headers, status):
    assert api.post("/api/event/start", headers=headers, **START)[0] == status


# Bodies ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        pytest.param(b"{", "application/json", 400, id="broken JSON"),
        pytest.param(b"\xff{}", "application/json", 400, id="not UTF-8"),
        pytest.param(b"[]", "application/json", 400, id="a list"),
        pytest.param(b'{"ts": NaN}', "application/json", 400, id="NaN"),
        pytest.param(b'{"ts": ' + b"9" * 5000 + b"}", "application/json", 400, id="a number of 5000 digits"),
        pytest.param(b'{"x":' * 100_000 + b"1", "application/json", 400, id="nested without end"),
        pytest.param(b"system_id=rig_01", "application/x-www-form-urlencoded", 415, id="a form"),
        pytest.param(b"{}" + b" " * 1_100_000, "application/json", 413, id="too large"),
        pytest.param(b'{"system_id": "a", "event_id": "b"}', "application/json; charset=utf-8", 200, id="charset"),
    ],
)
def test_bodies(api, data, content_type, status):
    reply = api.client.post("/api/event/start", data=data, content_type=content_type)

    assert reply.status_code == status
    assert ("error" in reply.get_json()) == (status != 200)


def test_an_unknown_path_and_a_wrong_method_are_problems_too(api):
    missing = api.client.get("/api/nothing")
    wrong = api.client.get("/api/event/start")

    assert (missing.status_code, missing.mimetype) == (404, "application/problem+json")
    assert (wrong.status_code, "POST" in wrong.headers["Allow"]) == (405, True)
    assert missing.get_json()["error"]


def test_an_unexpected_error_tells_no_secrets(api, monkeypatch):
    def broken(*_args, **_more):
        raise RuntimeError("the secret at line 5")

    monkeypatch.setattr(api.service.live, "picture", broken)
    reply = api.client.get("/api/realtime")

    assert reply.status_code == 500
    assert "secret" not in reply.text


@pytest.mark.parametrize(
    ("full", "status"), [(True, 507), (False, 503)], ids=["the disk is full", "the database is locked"]
)
def test_a_write_that_cannot_be_kept_is_not_acknowledged(api, full, status):
    connection = api.service.store._connection
    connection.execute("PRAGMA busy_timeout = 50")
    if full:
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
        body = {"system_id": "rig_01", "msg": "x" * 9000}
        replies = [api.post("/api/note", **body)[0] for _ in range(20)]
    else:
        other = sqlite3.connect(api.service.store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        replies = [api.post("/api/note", system_id="rig_01", msg="x")[0]]
        other.close()

    assert replies[-1] == status
    assert len(api.get("/api/notes?limit=500")[1]["notes"]) == replies.count(200)


# Health and metrics ---------------------------------------------------------------------------------------------------


def test_health_says_what_runs_and_that_writes_are_kept(api):
    status, reply = api.get("/health")

    assert (status, reply["status"]) == (200, "ok")
    assert reply["vm_url"] == "http://127.0.0.1:9/write"
    assert reply["version"]
    assert reply["git_sha"]


def test_health_fails_when_the_disk_takes_no_write(api):
    api.service.store._connection.execute("PRAGMA query_only = ON")

    status, reply = api.get("/health")

    assert (status, reply["status"]) == (503, "failing")
    assert reply["vm_url"]


def test_health_is_only_degraded_without_victoria_metrics(api):
    api.service.outbox._note_trouble("connection refused")

    status, reply = api.get("/health")

    assert (status, reply["status"]) == (200, "degraded")
    assert "connection refused" in reply["problems"][0]


def test_metrics_count_what_waits(api):
    api.done("/api/event/start", **START)
    api.clock.advance(30)

    page = api.client.get("/metrics").text

    assert "\novr_outbox_pending 1\n" in page
    assert "\novr_outbox_oldest_seconds 30.0\n" in page
    assert 'ovr_build_info{version="' in page


# The description ------------------------------------------------------------------------------------------------------


def routes(api) -> set[tuple[str, str]]:
    rules = api.client.application.url_map.iter_rules()
    methods = {(method.lower(), rule.rule) for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}}
    return {(method, path.replace("<id:event_id>", "{event_id}")) for method, path in methods if "/ui/" not in path}


def test_every_route_is_described_and_every_description_is_a_route(api):
    described = {(method, path) for path, methods in openapi.document("1")["paths"].items() for method in methods}

    assert described == routes(api)


def schema_of(method, path):
    content = openapi.document("1")["paths"][path][method]["responses"]["200"]["content"]
    return content["application/json"]["schema"]


def test_replies_are_what_the_description_says(api):
    replies = {
        ("post", "/api/event/start"): api.done("/api/event/start", **START, location="yard"),
        ("post", "/api/location/set"): api.done("/api/location/set", system_id="rig_01", location="field"),
        ("post", "/api/note"): api.done("/api/note", system_id="rig_01", msg="x"),
        ("get", "/api/notes"): api.get("/api/notes")[1],
        ("get", "/api/status"): api.get("/api/status")[1],
        ("get", "/api/systems"): api.get("/api/systems")[1],
        ("get", "/api/realtime"): api.get("/api/realtime")[1],
        ("get", "/api/summary"): api.get("/api/summary?system_id=rig_01")[1],
        ("get", "/health"): api.get("/health")[1],
        ("post", "/api/audit/delete"): api.done("/api/audit/delete", note_id=3),
        ("post", "/api/event/end_all"): api.done("/api/event/end_all", event_id="load_test"),
        ("get", "/api/reports"): api.get("/api/reports")[1],
        ("get", "/api/openapi.json"): api.get("/api/openapi.json")[1],
    }

    for (method, path), reply in replies.items():
        jsonschema.validate(reply, schema_of(method, path))


# Anything at all ------------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.text(), max_size=2)
)
NAMES = ["system_id", "event_id", "location", "note", "msg", "ts", "replace", "note_id", "note_text", "client_ts"]
WRITES = [route.path for route in openapi.ROUTES if route.method == "post" and not route.later]
AWKWARD = ["</script>", "{{7*7}}", "=cmd()", "\u202e", "\u2028", "..", "a/b", "%2F", "'; DROP TABLE", "\ud800", "\0"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    path=st.sampled_from(WRITES),
    body=st.dictionaries(st.sampled_from(NAMES), st.one_of(VALUES, st.sampled_from(AWKWARD))),
)
def test_no_body_is_answered_with_a_server_error(api, path, body):
    status, reply = api.post(path, **body)

    assert status in (200, 400, 404, 409, 422), reply
    assert reply["success"] == (status == 200)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(query=st.text(max_size=20), name=st.sampled_from(["system_id", "event_id", "limit", "run", "version"]))
def test_no_query_is_answered_with_a_server_error(api, name, query):
    for path in ("/api/status", "/api/notes", "/api/summary", "/api/reports", "/api/reports/x", "/api/reports/x/html"):
        reply = api.client.get(path, query_string={name: query.encode("utf-8", "surrogatepass")})
        assert reply.status_code in (200, 400, 404, 422), reply.text


def test_odd_ids_come_back_as_they_went_in(api):
    for number, text in enumerate(['a/b "c" \\', "100%25", "%2F", "é漢🍭", "</script>", "a?b#c", "x\u202ey", "+ +"]):
        started = api.done("/api/event/start", system_id=f"s{number}", event_id=text)
        assert json.loads(json.dumps(started["event_id"])) == text
        assert api.get("/api/status")[1]["active_events"][number]["event_id"] == text
