"""The page in a real browser: it fits a phone, prints, and loads nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.parts import chromium

pytestmark = pytest.mark.real
T = np.arange(-60, 663, 0.5)


@pytest.fixture(scope="module")
def browser():
    with chromium.running() as started:
        yield started


@pytest.fixture
def address(report, request_for, stored, tmp_path):
    """A report with all there is to show, long words among it."""
    watts = np.interp(T, [0, 100, 300, 500, 600], [20, 20, 5200, 5200, 20]).round()
    kept = (T < 350) | (T > 380)
    notes = [(30, "w" * 300), (200, "</script>\u202e" + "ü " * 200)]
    request = request_for("rig_" + "x" * 80, "acuvim_11", "ghost", notes=notes, event_id="load_test_" + "y" * 90)
    rig, meter, _ = (span.system_id for span in request.systems)
    found = {rig: stored.victron(T[kept], watts[kept]), meter: [stored.raw("acuvim_P", T, watts - 3000.25)]}
    (tmp_path / "report.html").write_text(report(request, found)[1])
    return (tmp_path / "report.html").as_uri()


@pytest.mark.parametrize(
    ("width", "height"), [(320, 640), (390, 844), (1280, 900)], ids=["small phone", "phone", "desktop"]
)
def test_it_fits_and_loads_nothing(browser, address, width, height):
    page = browser.new_page(viewport={"width": width, "height": height})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.styleSheets.length") == 1
    assert page.evaluate("getComputedStyle(document.querySelector('.power')).fill") == "none"
    assert (said, asked) == ([], [address])
    page.close()


def test_print_shows_the_readings_that_the_screen_folds_away(browser, address):
    page = browser.new_page(viewport={"width": 800, "height": 900})
    page.goto(address)
    cell = page.locator("details td").first
    assert not cell.is_visible()
    page.emulate_media(media="print")
    assert cell.is_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    page.close()
