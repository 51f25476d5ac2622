"""What an operator reads: facts found by parsing the page, and a page for every kind of event."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

T = np.arange(-60, 663, 0.5)
RAMP = np.interp(T, [0, 100, 300, 500, 600], [20, 20, 5200, 5200, 20]).round()


class Page(HTMLParser):
    """Text, tags and ids of a page."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.words, self.attributes = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def attribute(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


def test_the_top_says_what_where_when_and_how_much(report, request_for, stored):
    whole, html = report(request_for("rig_01"), {"rig_01": stored.victron(T, RAMP)})
    top = Page(html.split("</header>")[0]).text
    entry = whole["systems"][0]["energy"][0]
    half = entry["uncertainty"]["half"]
    for fact in ("load_test", "yard", "Final, version 1", "10 min", "Europe/Berlin"):
        assert fact in top
    assert "2026-11-24 07:00:00 to 07:10:00 UTC+01:00" in top
    assert float(re.search(r"Energy used ([\d.]+) Wh", top)[1]) == pytest.approx(entry["import"], abs=half / 10)
    assert float(re.search(r"± ([\d.]+)", top)[1]) == pytest.approx(half, rel=0.05)


def test_each_system_shows_device_phases_chart_energy_and_quality(report, request_for, stored):
    found = {"rig_01": stored.victron(T, RAMP), "acuvim_11": [stored.raw("acuvim_P", T, RAMP + 0.25)]}
    _, html = report(request_for("rig_01", "acuvim_11", notes=[(120, "heater on")]), found)
    page = Page(html)
    assert page.tags.count("title") == 3  # the page's own and one for each chart
    facts = ("Victron inverter/charger, three phase, 230 V", "Acuvim power meter", "Sum of phases", "Real power")
    for fact in (*facts, "agrees with victron phase sum", "Highest sample", "heater on", "class of", "none longer"):
        assert fact in page.text.replace("a meter of class", "class of")
    assert len(set(page.attribute("id"))) == len(page.attribute("id"))


def test_a_provisional_report_says_what_it_waits_for(report, request_for, stored):
    early = T[T < 590]
    _, html = report(request_for("rig_01"), {"rig_01": stored.victron(early, 500)}, after_s=10)
    text = Page(html).text
    assert "Provisional, version 1" in text
    assert "victron_ac_out_power stops" in text


@pytest.mark.parametrize(
    "hostile",
    [
        "</script><script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{7*7}} {% raw %}",
        "</title></desc></svg><b>",
        "abc\u202egpj.exe",
        "nul\x00 bell\x07 lone \ud800",
    ],
)
def test_foreign_text_stays_text(report, request_for, stored, hostile):
    plain = report(request_for("rig_01", notes=[(5, "x")]), {"rig_01": stored.victron(T, RAMP)})[1]
    request = request_for(hostile, notes=[(5, hostile)], event_id=hostile, timezone=hostile, run_id=hostile)
    _, html = report(request, {hostile: stored.victron(T, RAMP)})
    assert Page(html).tags == Page(plain).tags
    assert not set("\u202e\x00\x07") & set(html)
    html.encode()


def test_the_page_brings_all_it_needs(report, request_for, stored):
    _, html = report(request_for("rig_01"), {"rig_01": stored.victron(T, RAMP)})
    page = Page(html)
    assert not {"script", "link", "iframe", "img"} & set(page.tags)
    assert not page.attribute("style")
    assert not [value for value in page.attribute("href") + page.attribute("src") if value]
    assert "default-src 'none'" in html


def test_gaps_and_idle_time_are_told(report, request_for, stored):
    idle = np.where((T > 100) & (T < 500), 3000.0, 10.0)
    kept = (T < 200) | (T > 230)
    _, html = report(request_for("rig_01"), {"rig_01": stored.victron(T[kept], idle[kept])})
    text = Page(html).text
    assert "31.0 s of the event were not measured" in text or "30.5 s of the event were not measured" in text
    assert "07:03:19 to 07:03:50" in text
    assert "at the ends is below 60.0 W" in text


def test_a_system_that_left_early_shows_its_own_time(report, request_for, stored):
    request = request_for("rig_01", "acuvim_11")
    rig, meter = request.systems
    early = replace(meter, end_ns=meter.end_ns - 300 * 10**9)
    found = {"rig_01": stored.victron(T, RAMP), "acuvim_11": [stored.raw("acuvim_P", T, 3600)]}
    whole, html = report(replace(request, systems=(rig, early)), found)
    assert Page(html).text.count("Took part 2026-11-24 07:00:00 to 07:05:00") == 1
    assert whole["systems"][1]["energy"][0]["import"] == pytest.approx(300)


EVENTS = {
    "no sample": lambda _: [],
    "one sample": lambda s: s.victron(np.array([300.0]), 1000),
    "two samples in a gap": lambda s: s.victron(np.array([100.0, 400.0]), 1000),
    "samples before and after only": lambda s: s.victron(np.array([-30.0, -29.0, 620.0, 621.0]), 1000),
    "all zero": lambda s: s.victron(T, 0),
    "all negative": lambda s: s.victron(T, -RAMP),
    "no number": lambda s: s.victron(T, np.nan),
    "one phase": lambda s: s.victron(T, RAMP, shares=(1.0,)),
    "split phase": lambda s: s.victron(T, RAMP, shares=(0.5, 0.5), volts=120),
    "phases without a total": lambda s: s.victron(T, RAMP)[1:],
    "voltage alone": lambda s: s.victron(T, RAMP)[2:3],
    "unknown device": lambda s: [s.raw("other_power", T, RAMP)],
    "stops in the middle": lambda s: s.victron(T[T < 250], 2000),
    "a slow collector": lambda s: s.victron(np.arange(-60, 663, 10.0), 2000),
    "the same again": lambda s: s.victron(np.repeat(T, 2), 2000),
    "huge": lambda s: s.victron(T, 1e12),
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("seconds", [600.0, 0.0, 0.2])
def test_every_event_gets_a_page(report, request_for, stored, event, seconds):
    whole, html = report(request_for("rig_01", seconds=seconds, notes=[(1, "n")]), {"rig_01": EVENTS[event](stored)})
    text = Page(html).text
    assert "rig_01" in text
    assert "nan" not in text.lower().split()
    measured = [entry for entry in whole["systems"][0]["energy"] if entry["import"] is not None]
    assert bool(measured) == ("Energy used" in text or "Energy fed back" in text)


@pytest.mark.parametrize("event", ["no sample", "one sample", "samples before and after only", "unknown device"])
def test_without_measurements_it_states_no_energy(report, request_for, stored, event):
    whole, html = report(request_for("rig_01"), {"rig_01": EVENTS[event](stored)})
    assert all(entry["import"] is None for entry in whole["systems"][0]["energy"])
    assert "not measured" in Page(html).text
