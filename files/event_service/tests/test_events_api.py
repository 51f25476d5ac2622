"""Start, end, locations and notes over HTTP: the contract with old clients, and what lands in the database."""

from __future__ import annotations

import pytest

SECOND = 1_000_000_000
NOW = 1_795_501_800_123_456_789

MARKERS = "SELECT event_id, system_id, location, active, ts_ns FROM outbox ORDER BY id"


def start(api, system="rig_01", event="load_test", **more):
    return api.done("/api/event/start", system_id=system, event_id=event, **more)


def test_a_start_is_answered_with_every_field_and_marked(api):
    assert start(api, location="yard", note="go") == {
        "success": True,
        "system_id": "rig_01",
        "event_id": "load_test",
        "temp_event_id": None,
        "location": "yard",
        "ts": NOW,
        "run_id": "20261124T063000Z-000000",
    }
    assert api.rows(MARKERS) == [("load_test", "rig_01", "yard", 1, NOW)]
    assert api.get("/api/notes")[1]["notes"][0]["note"] == "go"


def test_a_start_without_an_event_gets_a_temporary_one(api):
    reply = api.done("/api/event/start", system_id="rig_01")

    assert reply["event_id"] == reply["temp_event_id"] == f"temp-box1-{NOW // SECOND}"


def test_the_same_start_again_gives_the_first_time_and_no_second_note(api):
    first = start(api, note="go")
    api.clock.advance(60)
    again = start(api, note="go", location="elsewhere")

    assert again["ts"] == first["ts"]
    assert again["run_id"] == first["run_id"]
    assert again["location"] is None
    assert len(api.rows(MARKERS)) == 1
    assert len(api.get("/api/notes")[1]["notes"]) == 1


def test_another_event_on_the_system_is_a_conflict_that_names_it(api):
    start(api, event="startup")

    status, problem = api.post("/api/event/start", system_id="rig_01", event_id="load_test")

    assert status == 409
    assert "startup" in problem["error"]
    assert problem["active_event"] == "startup"


def test_replace_ends_the_other_event_first(api):
    start(api, event="startup")
    api.clock.advance(10)
    start(api, event="load_test", replace=True)

    later = NOW + 10 * SECOND
    assert api.rows(MARKERS)[1:] == [("startup", "rig_01", None, 0, later), ("load_test", "rig_01", None, 1, later)]
    assert [job[0] for job in api.rows("SELECT reason FROM job")] == ["end"]


def test_a_second_system_joins_the_run_and_the_report_waits_for_the_last(api):
    first = start(api)
    second = start(api, system="acuvim_11")
    api.clock.advance(10)
    early = api.done("/api/event/end", system_id="acuvim_11")
    jobs_after_one = api.rows("SELECT count(*) FROM job")
    api.clock.advance(10)
    last = api.done("/api/event/end", system_id="rig_01")

    assert first["run_id"] == second["run_id"] == early["run_id"]
    assert (early["report_state"], last["report_state"]) == ("waiting", "queued")
    assert early["report_url"] == last["report_url"] == f"http://box/api/reports/load_test/html?run={first['run_id']}"
    assert jobs_after_one == [(0,)]
    assert api.rows("SELECT run_id, reason FROM job") == [(first["run_id"], "end")]
    assert api.rows("SELECT start_ns, end_ns FROM run") == [(NOW, NOW + 20 * SECOND)]


def test_a_back_dated_part_moves_the_start_of_its_run(api):
    start(api)
    start(api, system="acuvim_11", ts=NOW - 30 * SECOND)

    assert api.rows("SELECT start_ns FROM run") == [(NOW - 30 * SECOND,)]


def test_the_same_event_later_is_another_run_with_its_own_report(api):
    first = start(api)
    api.clock.advance(10)
    api.done("/api/event/end", system_id="rig_01")
    second = start(api)

    assert second["run_id"] != first["run_id"]


def test_an_end_is_answered_with_every_field(api):
    run_id = start(api)["run_id"]
    api.clock.advance(10)

    assert api.done("/api/event/end", system_id="rig_01", event_id="load_test") == {
        "success": True,
        "system_id": "rig_01",
        "event_id": "load_test",
        "ts": NOW + 10 * SECOND,
        "run_id": run_id,
        "report_url": f"http://box/api/reports/load_test/html?run={run_id}",
        "report_state": "queued",
    }


def test_the_same_end_with_its_time_again_gives_the_same_answer(api):
    start(api)
    ended = api.done("/api/event/end", system_id="rig_01", event_id="load_test", ts=NOW + 5)
    again = api.done("/api/event/end", system_id="rig_01", event_id="load_test", ts=NOW + 5)

    assert again == ended
    assert len(api.rows(MARKERS)) == 2


def test_end_all_ends_every_system_of_the_event_only(api):
    for system, event in (("rig_01", "load_test"), ("acuvim_11", "load_test"), ("acuvim_12", "other")):
        start(api, system, event)
    api.clock.advance(10)

    reply = api.done("/api/event/end_all", event_id="load_test")

    assert reply["loggers_ended"] == ["rig_01", "acuvim_11"]
    assert reply["report_generating"] is True
    assert reply["ts"] == NOW + 10 * SECOND
    assert list(api.get("/api/status")[1]["events_grouped"]) == ["other"]


def test_a_location_change_closes_the_old_series_and_opens_the_new_one_at_the_same_ns(api):
    start(api, location="yard")
    api.clock.advance(10)
    reply = api.done("/api/location/set", system_id="rig_01", location="field_site_a")

    later = NOW + 10 * SECOND
    assert reply == {"success": True, "system_id": "rig_01", "location": "field_site_a", "ts": later}
    assert api.rows(MARKERS)[1:] == [
        ("load_test", "rig_01", "yard", 0, later),
        ("load_test", "rig_01", "field_site_a", 1, later),
    ]


def test_a_location_without_an_event_waits_for_the_next_start(api):
    api.done("/api/location/set", system_id="rig_01", location="yard")

    assert start(api)["location"] == "yard"
    assert len(api.rows(MARKERS)) == 1


def test_a_change_in_the_ms_of_the_start_keeps_the_samples_of_each_series_apart(api):
    start(api, location="a")
    api.done("/api/location/set", system_id="rig_01", location="b")
    api.done("/api/location/set", system_id="rig_01", location="a")
    api.done("/api/event/end", system_id="rig_01")

    times = {}
    for _, _, location, _, ts_ns in api.rows(MARKERS):
        times.setdefault(location, []).append(ts_ns // 1_000_000)
    assert all(series == sorted(set(series)) for series in times.values())
    assert api.rows("SELECT start_ns, end_ns FROM run") == [(NOW, NOW)]


def test_clearing_the_location_ends_the_system_s_part(api):
    start(api, location="yard")
    start(api, "acuvim_11")
    reply = api.done("/api/location/clear", system_id="rig_01")

    assert (reply["system_id"], reply["report_state"]) == ("rig_01", "waiting")
    assert [part["system_id"] for part in api.get("/api/status")[1]["active_events"]] == ["acuvim_11"]
    assert api.post("/api/location/clear", system_id="rig_01")[0] == 400


def test_a_note_goes_to_the_active_event_or_to_general(api):
    general = api.done("/api/note", system_id="rig_01", msg="before")
    run_id = start(api)["run_id"]
    noted = api.done("/api/note", system_id="rig_01", msg="Voltage dropped to 47V\nfor 3 seconds")

    assert general["event_id"] == "general"
    assert noted == {
        "success": True,
        "system_id": "rig_01",
        "event_id": "load_test",
        "msg": "Voltage dropped to 47V\nfor 3 seconds",
        "ts": NOW,
    }
    assert api.rows("SELECT run_id FROM audit_log WHERE action = 'note' ORDER BY id") == [(None,), (run_id,)]


def test_a_note_that_names_an_event_of_the_past_goes_to_the_run_of_its_time(api):
    first = start(api)["run_id"]
    api.done("/api/event/end", system_id="rig_01", ts=NOW + 10)
    api.clock.advance(100)
    start(api)

    api.done("/api/note", system_id="rig_01", event_id="load_test", msg="late", ts=NOW + 5)

    assert api.rows("SELECT run_id FROM audit_log WHERE action = 'note'") == [(first,)]


def test_notes_are_listed_newest_first_and_filtered(api):
    for number in range(3):
        api.done("/api/note", system_id=f"s{number % 2}", event_id="e", msg=f"note {number}")
        api.clock.advance(1)

    def shown(query):
        return [note["note"] for note in api.get(f"/api/notes{query}")[1]["notes"]]

    assert shown("") == ["note 2", "note 1", "note 0"]
    assert shown("?system_id=s0") == ["note 2", "note 0"]
    assert shown("?event_id=e&limit=1") == ["note 2"]
    assert shown("?event_id=other") == []
    assert set(api.get("/api/notes")[1]["notes"][0]) == {"id", "timestamp", "system_id", "event_id", "note"}


@pytest.mark.parametrize("by", ["id", "text"])
def test_a_note_taken_back_is_hidden_and_stays_in_the_log(api, by):
    api.done("/api/note", system_id="rig_01", event_id="e", msg="wrong")
    named = {
        "id": {"note_id": api.get("/api/notes")[1]["notes"][0]["id"]},
        "text": {"system_id": "rig_01", "event_id": "e", "note_text": "wrong"},
    }[by]

    assert api.done("/api/audit/delete", **named) == {"success": True, "deleted_count": 1}
    assert api.get("/api/notes")[1]["notes"] == []
    assert api.post("/api/audit/delete", **named)[0] == 404
    log = api.rows("SELECT action, note FROM audit_log ORDER BY id")
    assert log[:2] == [("note", "wrong"), ("note_delete", "wrong")]


def test_status_of_one_system(api):
    start(api, location="yard")
    api.post("/api/event/start", system_id="rig_01", event_id="other")

    status, reply = api.get("/api/status?system_id=rig_01")

    assert status == 200
    assert reply["system_id"] == "rig_01"
    assert reply["images"] == []
    active = reply["active_event"]
    assert (active["event_id"], active["location"], active["started_at"]) == ("load_test", "yard", NOW)
    refused, started = reply["recent_logs"]
    assert (started["action"], started["success"], started["error"]) == ("start", True, None)
    assert (refused["success"], refused["event_id"]) == (False, "other")
    assert "load_test" in refused["error"]


def test_status_of_a_system_without_an_event(api):
    assert api.get("/api/status?system_id=nobody")[1]["active_event"] is None


def test_a_logger_is_the_meter_it_logs_everywhere(api):
    assert start(api, system=" Logger 1 ")["system_id"] == "acuvim_11"
    assert api.get("/api/status?system_id=Logger%201")[1]["active_event"]["event_id"] == "load_test"
    assert api.done("/api/event/end", system_id="acuvim_11")["system_id"] == "acuvim_11"


def test_the_phone_s_clock_is_kept_beside_ours(api):
    start(api, client_ts=NOW - 7, client_offset_ns=-3)

    times = api.rows("SELECT ts_ns, recorded_ns, client_ts_ns, client_offset_ns FROM audit_log")
    assert times == [(NOW, NOW, NOW - 7, -3)]


def test_systems_are_those_that_took_part(api):
    start(api, "rig_01")
    start(api, "acuvim_11")

    reply = api.get("/api/systems")[1]

    assert (reply["systems"], reply["count"]) == (["acuvim_11", "rig_01"], 2)


REFUSED = [
    pytest.param("event/start", {"event_id": "x"}, 400, "system_id", id="no system, no default"),
    pytest.param("event/start", {"system_id": "a\nb"}, 422, "U+000A", id="newline in an id"),
    pytest.param("event/start", {"system_id": "a\x00"}, 422, "U+0000", id="NUL in an id"),
    pytest.param("event/start", {"system_id": "\ud800"}, 422, "U+D800", id="half a surrogate pair"),
    pytest.param("event/start", {"system_id": 7}, 422, "not a text", id="number as an id"),
    pytest.param("event/start", {"system_id": ["a"]}, 422, "not a text", id="list as an id"),
    pytest.param("event/start", {"system_id": "a", "replace": "yes"}, 422, "true nor false", id="word as a flag"),
    pytest.param("event/start", {"system_id": "a", "ts": "soon"}, 422, "digits", id="word as a time"),
    pytest.param("event/start", {"system_id": "a", "ts": 1.5e18}, 422, "digits", id="fraction as a time"),
    pytest.param("event/start", {"system_id": "a", "ts": True}, 422, "digits", id="true as a time"),
    pytest.param("event/start", {"system_id": "a", "ts": 10**40}, 422, "out of range", id="huge time"),
    pytest.param("event/start", {"system_id": "a", "ts": NOW + 301 * SECOND}, 422, "ahead", id="time ahead"),
    pytest.param("event/start", {"system_id": "a", "ts": NOW // SECOND}, 422, "looks like s", id="time in seconds"),
    pytest.param("event/start", {"system_id": "a", "client_ts": {}}, 422, "client_ts", id="object as client time"),
    pytest.param("event/end", {"system_id": "a"}, 400, "no event is active", id="end of nothing"),
    pytest.param("event/end_all", {}, 400, "event_id", id="end all of no name"),
    pytest.param("event/end_all", {"event_id": "x"}, 400, "not active anywhere", id="end all of nothing"),
    pytest.param("location/set", {"system_id": "a"}, 400, "location", id="no location"),
    pytest.param("location/set", {"system_id": "a", "location": "  "}, 400, "location", id="blank location"),
    pytest.param("location/clear", {"system_id": "a"}, 400, "no location is kept", id="clear nothing"),
    pytest.param("note", {"system_id": "a", "msg": " "}, 400, "msg", id="blank note"),
    pytest.param("note", {"system_id": "a", "msg": "x\x1b[31m"}, 422, "U+001B", id="escape in a note"),
    pytest.param("note", {"system_id": "a", "msg": "x" * 10_001}, 422, "at most 10000", id="long note"),
    pytest.param("audit/delete", {}, 400, "say which note", id="delete nothing"),
    pytest.param("audit/delete", {"note_id": 5}, 404, "no such note", id="delete what is not there"),
    pytest.param("audit/delete", {"note_id": -1}, 422, "out of range", id="negative note"),
]


@pytest.mark.parametrize(("path", "body", "status", "says"), REFUSED)
def test_bad_input_is_named(api, path, body, status, says):
    got, problem = api.post(f"/api/{path}", **body)

    assert (got, problem["status"]) == (status, status)
    assert says in problem["error"]
    assert problem["error"] == problem["detail"]
    assert problem["success"] is False
    assert api.rows("SELECT count(*) FROM outbox") == [(0,)]


def test_the_box_s_own_system_is_the_default(make_api):
    assert start(make_api(SYSTEM_ID="rig_07"), system=None)["system_id"] == "rig_07"
