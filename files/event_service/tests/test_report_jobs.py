"""When reports are made, made again, published, shown, and what their addresses answer until then."""

from __future__ import annotations

import json

import pytest

from event_service.reports import Made, ReportError
from event_service.store import reports

START = {"system_id": "rig_01", "event_id": "load_test"}


class Maker:
    """Stands for the making of reports: what it says about the samples is set by the test."""

    def __init__(self):
        self.state, self.digest, self.error = "final", "sha256:1", None
        self.requests = []

    def __call__(self, request, *, out, **_):
        self.requests.append(request)
        if self.error:
            raise self.error
        out.mkdir()
        systems = [{"system_id": span.system_id} for span in request.systems]
        (out / "data.json").write_text(json.dumps({"schema": "ovr.report/1", "version": request.version}))
        (out / "report.html").write_text(f"<html><body><main><h1>v{request.version}</h1></main></body></html>")
        return Made(self.state, self.digest, out, {"systems": systems})


@pytest.fixture
def maker():
    return Maker()


@pytest.fixture
def jobs(api, maker):
    api.service.jobs.make = maker
    return api.service.jobs


def run_event(api, event="load_test", seconds=60):
    api.done("/api/event/start", system_id="rig_01", event_id=event, location="yard")
    api.clock.advance(seconds)
    return api.done("/api/event/end", system_id="rig_01")["run_id"]


def versions(api):
    return api.rows("SELECT version, state FROM report ORDER BY version")


def html(api, query="", event="load_test"):
    return api.client.get(f"/api/reports/{event}/html{query}")


def test_the_report_is_made_when_the_last_system_ends(api, jobs, maker):
    api.done("/api/event/start", **START, location="yard")
    api.done("/api/event/start", **START | {"system_id": "acuvim_11"})
    api.clock.advance(60)
    api.done("/api/event/end", system_id="acuvim_11")
    early = jobs.step()
    api.done("/api/note", system_id="rig_01", msg="fan noise")
    api.done("/api/event/end", system_id="rig_01")
    made = jobs.step()

    assert (early, made) == (False, True)
    request = maker.requests[0]
    assert [(span.system_id, span.location) for span in request.systems] == [("rig_01", "yard"), ("acuvim_11", None)]
    assert [note.text for note in request.notes] == ["fan noise"]
    assert (request.end_ns - request.start_ns, request.version) == (60_000_000_000, 1)


def test_the_locations_of_a_part_are_named_in_order(api, jobs, maker):
    api.done("/api/event/start", **START, location="yard")
    api.done("/api/location/set", system_id="rig_01", location="field")
    api.done("/api/event/end", system_id="rig_01")
    jobs.step()

    assert maker.requests[0].systems[0].location == "yard → field"


def test_a_final_report_is_not_looked_at_again(api, jobs):
    run_event(api)
    jobs.step()
    api.clock.advance(3600)

    assert not jobs.step()
    assert versions(api) == [(1, "final")]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param([("provisional", "a"), ("provisional", "a")], [(1, "provisional")], id="nothing new"),
        pytest.param([("final", "b")], [(1, "provisional"), (2, "final")], id="the tail came in"),
        pytest.param(
            [("provisional", "b"), ("final", "c")],
            [(1, "provisional"), (2, "provisional"), (3, "final")],
            id="in two steps",
        ),
        pytest.param([("provisional", "a"), ("final", "a")], [(1, "provisional"), (2, "final")], id="it never came"),
    ],
)
def test_a_provisional_report_is_made_again_after_a_minute_and_after_ten(api, jobs, maker, later, expected):
    maker.state, maker.digest = "provisional", "a"
    run_event(api)
    jobs.step()
    for (state, digest), wait in zip(later, (60, 540), strict=False):
        maker.state, maker.digest = state, digest
        assert not jobs.step()
        api.clock.advance(wait)
        assert jobs.step()
    api.clock.advance(86_400)

    assert not jobs.step()
    assert versions(api) == expected


def test_a_report_that_cannot_be_made_is_tried_again_and_says_why(api, jobs, maker):
    maker.error = ReportError("VictoriaMetrics does not answer.")
    run_event(api)
    jobs.step()
    page = html(api)
    listed = api.get("/api/reports")[1]["pending"]
    maker.error = None
    assert not jobs.step()
    api.clock.advance(3)
    jobs.step()

    assert page.status_code == 202
    assert "VictoriaMetrics does not answer." in page.text
    assert (listed[0]["state"], listed[0]["error"]) == ("queued", "VictoriaMetrics does not answer.")
    assert versions(api) == [(1, "final")]


def test_a_report_that_fails_for_hours_is_given_up_and_can_be_asked_for(api, jobs, maker):
    maker.error = ReportError("No samples at all.")
    run_event(api)
    for _ in range(40):
        assert jobs.step()
        api.clock.advance(301)

    assert not jobs.step()
    assert html(api).status_code == 404
    assert "No samples at all." in html(api).text
    assert "No samples at all." in api.get("/api/reports/load_test")[1]["error"]


def test_a_full_disk_leaves_no_job_running_for_ever(api, jobs, maker, monkeypatch):
    run_event(api)
    connection = api.service.store._connection
    make = maker.__call__

    def fills_the_disk(request, **more):
        connection.execute("PRAGMA query_only = ON")
        return make(request, **more)

    monkeypatch.setattr("event_service.jobs.time.sleep", lambda _: connection.execute("PRAGMA query_only = OFF"))
    jobs.make = fills_the_disk
    jobs.step()
    failed = api.rows("SELECT state FROM job")
    jobs.make = maker
    api.clock.advance(3)
    jobs.step()

    assert failed == [("queued",)]
    assert versions(api) == [(1, "final")]


def test_what_ran_when_the_service_ended_is_made_at_the_next_start(api, jobs):
    run_event(api)
    with api.service.store.write() as db:
        db.execute("UPDATE job SET state = 'running'")
    draft = api.service.config.reports_path / ".draft-x"
    draft.mkdir()

    jobs.recover()

    assert not draft.exists()
    assert jobs.step()
    assert versions(api) == [(1, "final")]


def test_an_end_between_move_and_commit_leaves_no_obstacle(api, jobs):
    run_id = run_event(api)
    stale = api.service.config.reports_path / f"event_load_test_{run_id}_v1"
    stale.mkdir()
    (stale / "old").touch()
    jobs.step()

    assert sorted(path.name for path in stale.iterdir()) == ["data.json", "report.html"]


@pytest.mark.parametrize(
    ("event", "folder"),
    [
        ("load_test", "event_load_test_"),
        ("../../etc/passwd", "event_etc-passwd_"),
        ("a/b\\c d", "event_a-b-c-d_"),
        ("..", "event_event_"),
        ("é漢", "event_event_"),
    ],
)
def test_folders_are_named_by_event_and_time_and_stay_below_reports(api, jobs, event, folder):
    run_id = run_event(api, event)
    jobs.step()

    root = api.service.config.reports_path
    assert [path.name for path in root.iterdir()] == [f"{folder}{run_id}_v1"]
    assert api.get("/api/reports")[1]["reports"][0]["report_dir"] == str(root / f"{folder}{run_id}_v1")


def test_two_jobs_of_one_run_are_not_done_at_the_same_time(api, jobs, maker):
    run_event(api)
    busy = []

    def made_while_asked_again(request, **more):
        with api.service.store.write() as db:
            reports.enqueue(db, run, "asked", due_ns=0, now_ns=0)
        busy.append(jobs.step())
        return maker(request, **more)

    run = api.rows("SELECT run_id FROM run")[0][0]
    jobs.make = made_while_asked_again
    jobs.step()
    jobs.make = maker

    assert busy == [False]
    assert jobs.step()


# Asked for ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def working(jobs, monkeypatch):
    """A request for a report is worked on at once, as the worker beside the server does."""
    wait = jobs.wait

    def worked(job_id, _timeout_s):
        jobs.step()
        return wait(job_id, 0)

    monkeypatch.setattr(jobs, "wait", worked)


@pytest.mark.usefixtures("working")
def test_a_report_can_be_asked_for(api):
    run_id = run_event(api)
    reply = api.done("/api/reports/generate", event_id="load_test")

    folder = api.service.config.reports_path / f"event_load_test_{run_id}_v1"
    assert reply["report_path"] == str(folder)
    assert (reply["json_file"], reply["html_file"]) == (str(folder / "data.json"), str(folder / "report.html"))
    assert reply["loggers_processed"] == ["rig_01"]


@pytest.mark.usefixtures("working")
def test_asking_again_makes_a_new_version_only_when_something_changed(api):
    run_event(api)
    numbers = [api.done("/api/reports/generate", event_id="load_test")["version"] for _ in range(2)]
    api.done("/api/note", system_id="rig_01", event_id="load_test", msg="late note")
    numbers.append(api.done("/api/reports/generate", event_id="load_test")["version"])

    assert numbers == [1, 1, 2]


@pytest.mark.usefixtures("working")
def test_a_report_whose_files_are_gone_can_be_made_again(api):
    run_event(api)
    folder = api.done("/api/reports/generate", event_id="load_test")["report_path"]
    for name in ("data.json", "report.html"):
        (api.service.config.reports_path / folder / name).unlink()
    gone = api.client.get("/api/reports/load_test")

    assert gone.status_code == 404
    assert "generate" in gone.get_json()["error"]
    assert api.done("/api/reports/generate", event_id="load_test")["version"] == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"event_id": "never"}, 404, id="unknown event"),
        pytest.param({}, 400, id="no event"),
        pytest.param({"event_id": "load_test", "run": "x"}, 404, id="unknown run"),
        pytest.param({"event_id": "load_test"}, 409, id="still active"),
    ],
)
def test_what_no_report_can_be_made_of(api, body, status):
    api.done("/api/event/start", **START)

    assert api.post("/api/reports/generate", **body)[0] == status


@pytest.mark.usefixtures("working")
def test_a_report_that_fails_is_told_to_who_asked(api, maker):
    run_event(api)
    maker.error = ReportError("VictoriaMetrics does not answer.")

    status, problem = api.post("/api/reports/generate", event_id="load_test")

    assert status == 503
    assert "VictoriaMetrics does not answer." in problem["error"]


# Addresses ------------------------------------------------------------------------------------------------------------


def test_an_early_end_has_the_same_address_which_says_what_it_waits_for(api):
    api.done("/api/event/start", **START)
    api.done("/api/event/start", **START | {"system_id": "acuvim_11"})
    url = api.done("/api/event/end", system_id="rig_01")["report_url"]

    page = api.client.get(url.removeprefix("http://box"))
    status, reply = api.get("/api/reports/load_test")

    assert page.status_code == 202
    assert 'http-equiv="refresh"' in page.text
    assert "Still running" in page.text
    assert (status, reply["state"]) == (202, "waiting")


def test_a_report_on_its_way_says_so_and_looks_again(api):
    run_event(api)

    assert html(api).status_code == 202
    assert "is being made" in html(api).text
    assert api.get("/api/reports/load_test")[1]["state"] == "queued"


def test_an_unknown_report_is_a_page_too(api):
    page = html(api, event="never")

    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert api.get("/api/reports/never")[0] == 404


def test_data_and_page_of_a_report(api, jobs):
    run_event(api)
    jobs.step()

    assert api.get("/api/reports/load_test")[1] == {"schema": "ovr.report/1", "version": 1}
    page = html(api)
    assert "<h1>v1</h1>" in page.text
    assert "<nav" not in page.text
    assert "sandbox" in page.headers["Content-Security-Policy"]
    again = api.client.get("/api/reports/load_test/html", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304


def test_two_runs_of_an_event_have_two_reports_that_link_to_each_other(api, jobs):
    first, second = run_event(api, seconds=60), run_event(api, seconds=90)
    while jobs.step():
        pass
    listed = api.get("/api/reports?event_id=load_test")[1]["reports"]

    assert [one["run_id"] for one in listed] == [second, first]
    assert [one["duration_seconds"] for one in listed] == [90, 60]
    assert f"?run={first}" in html(api).text
    assert f"?run={second}" in html(api, f"?run={first}").text


def test_an_old_version_stays_and_points_to_the_newer(api, jobs, maker):
    maker.state = "provisional"
    run_event(api)
    jobs.step()
    api.clock.advance(60)
    maker.state, maker.digest = "final", "sha256:2"
    jobs.step()

    assert "<h1>v2</h1>" in html(api).text
    old = html(api, "?version=1")
    assert "<h1>v1</h1>" in old.text
    assert "A newer version" in old.text
    assert html(api, "?version=3").status_code == 404


def test_while_an_event_runs_again_its_last_report_is_shown(api, jobs):
    run_event(api)
    jobs.step()
    running = api.done("/api/event/start", **START)["run_id"]

    assert html(api).status_code == 200
    assert html(api, f"?run={running}").status_code == 202


@pytest.mark.parametrize("event", ["a/b", "a%2Fb", "100%", "a/html", "/", "//x", "a?b#c", "é🍭 \\", "+ +", "</script>"])
def test_any_id_fits_into_a_path(api, jobs, event):
    run_id = run_event(api, event)
    url = api.get("/api/reports")[1]["pending"][0]["report_url"]
    jobs.step()

    page = api.client.get(url.removeprefix("http://box"))
    data = api.client.get(url.removeprefix("http://box").partition("/html?")[0])

    assert page.status_code == data.status_code == 200
    assert url.endswith(f"/html?run={run_id}")
