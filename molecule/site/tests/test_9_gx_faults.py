"""The exporter killed, hung, and the GX without power, while vmagent scrapes: a gap, and then the series again."""

from __future__ import annotations

import itertools
import json
import re
import time
import urllib.parse

import pytest

from tests.parts.process import wait_until

SERIES = 'victron_ac_out_power{system_id="rig_01"}'
SERVICE = "/service/dbus2prom"
SCRAPE_S = 0.5


@pytest.fixture
def samples(host):
    """The raw samples since a moment as VictoriaMetrics holds them: (time in s, value), or None for a series' end."""

    def export(since: float) -> list[tuple[float, float | None]]:
        query = urllib.parse.urlencode({"match[]": SERIES, "start": f"{since:.3f}", "reduce_mem_usage": 1})
        host.check_output("curl -fsS -m 10 http://127.0.0.1:8428/internal/force_flush")
        found = host.check_output("curl -fsS -m 10 %s", f"http://127.0.0.1:8428/api/v1/export?{query}")
        rows = [json.loads(line) for line in found.splitlines()]
        return sorted(
            (at / 1000, value) for row in rows for at, value in zip(row["timestamps"], row["values"], strict=True)
        )

    return export


@pytest.fixture
def drawn(host):
    """The values that a graph would draw between two moments."""

    def ask(start: float, end: float) -> list:
        query = {"query": SERIES, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": "0.1", "nocache": 1}
        url = f"http://127.0.0.1:8428/api/v1/query_range?{urllib.parse.urlencode(query)}"
        result = json.loads(host.check_output("curl -fsS -m 10 %s", url))["data"]["result"]
        return [value for row in result for value in row["values"]]

    return ask


@pytest.fixture
def pid(gx):
    """The process of the exporters; 0 where none runs."""

    def ask() -> int:
        found = re.search(r"pid (\d+)", gx(f"svstat {SERVICE}"))
        return int(found[1]) if found else 0

    return ask


@pytest.fixture
def gap(samples, drawn):
    """Wait until the series is back after a fault, and judge what lies between; the length of the gap in s."""

    def judge(fault: float) -> float:
        wait_until(lambda: len([at for at, value in after(fault) if value is not None]) > 4, 90, "samples", every=1)
        real = [(at, value) for at, value in samples(fault - 10) if value is not None]
        assert min(value for _, value in real) > 0, "the rig draws power all the time"
        begin, end = max(
            ((before[0], after[0]) for before, after in itertools.pairwise(real)), key=lambda pair: pair[1] - pair[0]
        )
        assert begin < fault + 2 * SCRAPE_S
        assert end > fault
        marks = [at for at, value in samples(fault - 10) if value is None and begin < at < end]
        assert marks, "the series is ended, not left to fade"
        assert drawn(marks[0] + 0.001, end - 0.1) == []
        return end - begin

    def after(fault: float):
        found = samples(fault)
        marks = [at for at, value in found if value is None]
        return [each for each in found if marks and each[0] > marks[0]]

    return judge


def test_a_killed_exporter_leaves_a_gap(gx, pid, gap):
    """Killed again as it starts, for it may be back before the next scrape; the supervisor then waits a second."""
    before = pid()
    fault = time.time()
    gx(
        f"kill -9 {before}; until new=$(svstat {SERVICE} | sed -n 's/.*pid \\([0-9]*\\).*/\\1/p') && "
        f'[ -n "$new" ] && [ $new != {before} ]; do :; done; kill -9 $new'
    )

    assert gap(fault) > SCRAPE_S
    assert pid() not in (0, before)


def test_a_hung_exporter_leaves_a_gap_until_the_watchdog_restarts_it(host, gx, pid, gap):
    before = pid()
    fault = time.time()
    gx(f"kill -STOP {before}")
    wait_until(
        lambda: "state=down" in host.check_output("curl -s http://127.0.0.1:8429/targets | grep -A5 gx_"),
        30, "the target of the original's command to be down", every=0.5,
    )  # fmt: skip

    print(f"hung: no sample for {gap(fault):.1f} s")
    assert pid() not in (0, before)


def test_a_gx_without_power_leaves_a_gap_and_comes_back_by_itself(rig, gx, gap):
    fault = time.time()
    rig.reboot_gx()

    print(f"power cut: no sample for {gap(fault):.1f} s")
    assert gx("crontab -l").endswith("/data/dbus2prom/watchdog.sh >/dev/null 2>&1")
    assert ": up " in gx(f"svstat {SERVICE}-watchdog")
