"""Pictures of the demo's operator page and report, as a phone and a desk see them: `python -m tests.demo.pictures`."""

from __future__ import annotations

import json

from playwright.sync_api import Browser

from tests.demo.event import path_of
from tests.lab.cache import REPO
from tests.lab.rig import Rig
from tests.parts import chromium

FOLDER = REPO / "docs" / "img"
SCREENS = {"phone": {"width": 390, "height": 1400}, "desk": {"width": 1280, "height": 1400}}


def main() -> None:
    """Write docs/img/{operator,report}-{phone,desk}.png from the running demo."""
    base = Rig.load("demo").url(8088)
    result = json.loads((REPO / "build" / "demo" / "result.json").read_text())
    pages = {"operator": f"{base}/", "report": base + path_of(result["report_url"])}
    FOLDER.mkdir(exist_ok=True)
    with chromium.running() as browser:
        for page, address in pages.items():
            for screen, size in SCREENS.items():
                _take(browser, address, size, f"{page}-{screen}.png")


def _take(browser: Browser, address: str, size: dict, name: str) -> None:
    context = browser.new_context(viewport=size, device_scale_factor=1, is_mobile=size["width"] < 500)
    page = context.new_page()
    page.goto(address)
    page.wait_for_load_state("load")
    page.wait_for_timeout(2500)  # the live figures come with the first poll
    page.screenshot(path=FOLDER / name)
    context.close()


if __name__ == "__main__":
    main()
