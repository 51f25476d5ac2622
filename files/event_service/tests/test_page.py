"""The operator page in a real Chromium, on a real service and a real VictoriaMetrics."""

from __future__ import annotations

import re
import threading
import time

import pytest
from playwright.sync_api import Page, expect

from tests.parts import chromium, victoria_metrics
from tests.parts.event_service import EventService
from tests.parts.process import wait_until

pytestmark = pytest.mark.real

PHONE = {"width": 390, "height": 844}
SYSTEMS = {"rig_01": ("victron_ac_out_power", 4213.0), "acuvim_11": ("acuvim_P", 640.0)}


@pytest.fixture(scope="module")
def browser():
    with chromium.running() as started:
        yield started


class Feed:
    """Measurements of two systems twice a second, unless it is paused."""

    def __init__(self, vm):
        self.vm, self.paused, self.ended = vm, False, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended.wait(0.5):
            for system_id, (name, value) in {} if self.paused else SYSTEMS.items():
                self.vm.import_samples({"__name__": name, "system_id": system_id}, [int(time.time() * 1000)], [value])


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    """One VictoriaMetrics for all of these tests, with something to show."""
    with victoria_metrics.running(tmp_path_factory.mktemp("vm")) as vm:
        feeding = Feed(vm)
        wait_until(lambda: vm.export("victron_ac_out_power", time.time() - 60, time.time()), 20, "a first measurement")
        yield feeding
        feeding.ended.set()
        feeding.thread.join()


@pytest.fixture
def make_service(feed, tmp_path):
    started = []

    def make(**environment) -> EventService:
        started.append(EventService(tmp_path, feed.vm.url, **environment))
        return started[-1]

    yield make
    for service in started:
        service.stop()


@pytest.fixture
def service(make_service):
    return make_service()


@pytest.fixture
def open_page(browser):
    """Opens the page of a service; the test fails on any error of the page and on any request to elsewhere."""
    contexts, said, elsewhere = [], [], []

    def opened(service, viewport=PHONE) -> Page:
        contexts.append(browser.new_context(viewport=viewport))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda line: said.append(line.text) if "Content Security Policy" in line.text else None)
        page.on("request", lambda asked: asked.url.startswith(service.url) or elsewhere.append(asked.url))
        page.goto(service.url)
        expect(page.get_by_text("● Connected")).to_be_visible(timeout=15_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert (said, elsewhere) == ([], [])


def start_on_page(page: Page, event="load_test", systems=tuple(SYSTEMS)):
    for system in systems:
        page.get_by_role("checkbox", name=re.compile(re.escape(system))).check()
    page.get_by_label("Event", exact=True).fill(event)
    page.get_by_label("Place").fill("yard")
    page.get_by_role("button", name=f"Start {event}").click()


def running(page: Page, event="load_test"):
    return page.get_by_role("article", name=f"Running: {event}")


def save_note(page: Page, text: str):
    page.get_by_label("Note", exact=True).fill(text)
    page.get_by_role("button", name="Save note").click()


def notes(service) -> list[str]:
    return [note["note"] for note in service.get("/api/notes")["notes"]]


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}], ids=["phone", "desktop"])
def test_an_event_from_start_to_report(open_page, service, viewport):
    page = open_page(service, viewport)
    start_on_page(page)
    card = running(page)
    expect(card.get_by_role("listitem").filter(has_text="rig_01")).to_contain_text("4.21 kW")
    expect(card.get_by_role("listitem").filter(has_text="acuvim_11")).to_contain_text("640 W")
    expect(card).to_contain_text("yard")
    expect(card.locator(".clock")).to_have_text(re.compile(r"00:00:0[2-9]"))
    save_note(page, "Fan noise on L2,\nlouder than yesterday")
    expect(page.get_by_role("list", name="Last notes")).to_contain_text("louder than yesterday")
    card.get_by_role("button", name="End event").click()
    card.get_by_role("button", name="Tap again: end load_test on rig_01 and acuvim_11").click()
    expect(card).to_have_count(0)
    report = page.get_by_role("link", name=re.compile("load_test")).filter(has_text=re.compile("final|provisional"))
    expect(report).to_be_visible(timeout=60_000)
    report.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("load_test")
    expect(page.get_by_text("louder than yesterday").first).to_be_visible()
    run = service.get("/api/reports")["reports"][0]
    assert (run["event_id"], sorted(run["loggers"])) == ("load_test", ["acuvim_11", "rig_01"])


def test_the_first_tap_on_end_only_says_what_the_second_would_end(open_page, service):
    page = open_page(service)
    start_on_page(page)
    card = running(page)
    card.get_by_role("button", name="End event").click()
    expect(card.get_by_role("button", name="Tap again")).to_be_visible()
    card.get_by_role("button", name="Let it run").click()
    expect(card.get_by_role("button", name="End event")).to_be_visible()

    assert len(service.get("/api/status")["active_events"]) == 2


def test_one_system_can_leave_an_event(open_page, service):
    page = open_page(service)
    start_on_page(page)
    card = running(page)
    card.get_by_text("End on one system only").click()
    card.get_by_role("button", name="End on acuvim_11").click()
    card.get_by_role("button", name="Tap again: end load_test on acuvim_11 only").click()
    expect(card.get_by_role("listitem")).to_have_count(1)

    assert [part["system_id"] for part in service.get("/api/status")["active_events"]] == ["rig_01"]


def test_a_double_tap_starts_once(open_page, service):
    page = open_page(service)
    page.get_by_role("checkbox", name=re.compile("rig_01")).check()
    page.get_by_label("Event", exact=True).fill("load_test")
    page.get_by_role("button", name="Start load_test").dblclick()
    expect(running(page)).to_be_visible()

    logs = service.get("/api/status")["recent_logs"]
    assert [row["action"] for row in logs] == ["start"]


def test_a_note_is_about_the_event_that_somebody_else_started_meanwhile(open_page, service):
    page = open_page(service)
    expect(page.get_by_label("About")).to_have_value(re.compile("rig_01|acuvim_11"))
    service.post("/api/event/start", system_id="rig_09", event_id="elsewhere")
    expect(page.get_by_label("About")).to_have_value('["rig_09","elsewhere"]')
    save_note(page, "seen from here")
    expect(page.get_by_role("list", name="Last notes")).to_contain_text("seen from here")

    assert service.get("/api/notes")["notes"][0]["event_id"] == "elsewhere"


def test_a_system_that_measures_nothing_yet_can_be_named(open_page, service):
    page = open_page(service)
    page.get_by_text("Another system").click()
    page.get_by_label("Its id").fill("rig_02 & co")
    page.get_by_role("button", name="Add").click()
    start_on_page(page, systems=())

    expect(running(page)).to_contain_text("no measurement")
    assert service.get("/api/status")["active_events"][0]["system_id"] == "rig_02 & co"


def test_a_start_without_a_system_says_what_is_missing(open_page, service):
    page = open_page(service)
    page.get_by_label("Event", exact=True).fill("load_test")
    page.get_by_role("button", name="Start").click()

    expect(page.get_by_role("alert").filter(has_text="Choose at least one system")).to_be_visible()


def test_what_is_saved_without_a_connection_is_kept_over_a_reload_and_sent_once(open_page, service):
    page = open_page(service)
    page.route("**/api/**", lambda route: route.abort())
    save_note(page, "written in the tunnel")
    expect(page.get_by_role("status").filter(has_text="Not saved yet")).to_contain_text("written in the tunnel")
    expect(page.get_by_role("alert").filter(has_text="has not answered for")).to_be_visible(timeout=15_000)
    expect(page.locator("#link")).to_have_text("✕ No connection")
    page.reload()
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    tapped_ns = time.time_ns()
    page.unroute("**/api/**")

    expect(page.get_by_role("list", name="Last notes")).to_contain_text("written in the tunnel", timeout=15_000)
    expect(page.get_by_text("Not saved yet")).to_have_count(0)
    assert notes(service) == ["written in the tunnel"]
    assert service.get("/api/notes")["notes"][0]["timestamp"] < tapped_ns


def test_an_answer_that_was_lost_does_not_write_twice(open_page, service):
    page = open_page(service)
    lost = []

    def lose_the_first_answer(route):
        reply = route.fetch()
        lost.append(reply.status)
        route.abort() if len(lost) == 1 else route.fulfill(response=reply)

    page.route("**/api/note", lose_the_first_answer)
    save_note(page, "said once")
    expect(page.get_by_role("list", name="Last notes")).to_contain_text("said once")
    expect(page.get_by_text("Not saved yet")).to_have_count(0, timeout=15_000)

    assert lost == [200, 200]
    assert notes(service) == ["said once"]


def test_a_refusal_is_shown_with_its_reason_until_it_is_put_aside(open_page, service):
    page = open_page(service)
    page.route("**/api/status", lambda route: route.fulfill(json={**service.get("/api/status"), "active_events": []}))
    service.post("/api/event/start", system_id="rig_01", event_id="startup")
    start_on_page(page, systems=["rig_01"])
    refusal = page.get_by_role("alert").filter(has_text="Not done: Start load_test on rig_01")
    expect(refusal).to_contain_text("'startup' is active on rig_01")
    refusal.get_by_role("button", name="Put aside").click()

    expect(refusal).to_have_count(0)


def test_a_box_with_a_key_asks_for_it_and_then_saves(open_page, make_service):
    page = open_page(make_service(API_KEY="geheim"))
    save_note(page, "with a key")
    page.get_by_label("Key", exact=True).fill("geheim")
    page.get_by_role("button", name="Use this key").click()

    expect(page.get_by_role("list", name="Last notes")).to_contain_text("with a key")
    expect(page.get_by_label("Key", exact=True)).to_be_hidden()


def test_values_say_how_old_they_are(open_page, service, feed):
    page = open_page(service)
    rig = page.locator("label.system").filter(has_text="rig_01")
    expect(rig).to_contain_text("now")
    feed.paused = True
    try:
        expect(rig).to_contain_text(re.compile(r"⚠ 1\d s old"), timeout=20_000)
        expect(rig).to_contain_text("4.21 kW")
    finally:
        feed.paused = False


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_fits_every_width_with_targets_for_gloves(open_page, service, width):
    service.post("/api/event/start", system_id="rig_01", event_id="x" * 200, location="y " * 100)
    service.post("/api/note", system_id="rig_01", msg="z" * 500)
    page = open_page(service, {"width": width, "height": 800})
    expect(running(page, "x" * 200)).to_be_visible()
    page.locator("summary").first.click()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "[...document.querySelectorAll('button, input[type=text], select, textarea, summary, label.system, a')]"
        ".filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 56).map((one) => one.outerHTML)"
    )
    assert small == []


def test_ids_are_text_and_never_markup(open_page, service):
    evil = "<img src=x onerror=document.title='owned'>"
    service.post("/api/event/start", system_id=evil, event_id=evil, location=evil, note=evil)
    page = open_page(service)

    expect(running(page, evil).get_by_role("heading")).to_have_text(evil)
    expect(page.get_by_role("list", name="Last notes")).to_contain_text(evil)
    assert page.title() == "OVR events"
    assert page.locator("main img").count() == 0


def test_a_report_that_is_waited_for_opens_by_itself(open_page, service):
    service.post("/api/event/start", system_id="rig_01", event_id="load_test")
    service.post("/api/event/start", system_id="acuvim_11", event_id="load_test")
    address = service.post("/api/event/end", system_id="rig_01")["report_url"]
    page = open_page(service)
    page.goto(address)
    expect(page.get_by_role("heading", name="Still running")).to_be_visible()
    service.post("/api/event/end", system_id="acuvim_11")

    expect(page.get_by_role("heading", name="The report is being made")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("version 1")).to_be_visible(timeout=60_000)
