"""The shell on the GX: under the real daemontools and without, with busybox's sh."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.gx.gx_root import GxRoot
from tests.parts.process import wait_until
from tests.unit.gx.exporter import FOLDER

pytestmark = pytest.mark.real

SCRIPTS = sorted(path for path in FOLDER.rglob("*") if path.suffix == ".sh" or path.name == "run")


@pytest.fixture
def gx(bus, tmp_path):
    root = GxRoot(tmp_path / "gx", bus)
    root.copy_files()
    yield root
    root.stop()


@pytest.fixture
def armed(gx):
    gx.start_svscan()
    done = gx.script("arm.sh")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: gx.healthy("fast", "slow"), 20, "both ports answer")
    wait_until(gx.watchdog_rests, 20, "the first look of the watchdog's own service is over")
    return gx


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_busybox_and_shellcheck_have_nothing_to_say(script):
    subprocess.run(["busybox", "sh", "-n", script], check=True)
    subprocess.run([shutil.which("shellcheck"), script], check=True)


def test_arming_twice_is_arming_once(armed):
    first = armed.exporters(), armed.crontab.read_text()
    assert armed.script("arm.sh").returncode == 0
    assert (armed.exporters(), armed.crontab.read_text()) == first
    assert armed.crontab.read_text() == f"* * * * * {armed.home}/watchdog.sh >/dev/null 2>&1\n"


def test_a_killed_exporter_is_started_by_the_supervisor(armed):
    (before,) = armed.exporters()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: armed.healthy("fast", "slow") and armed.exporters() != [before], 20, "a new exporter answers")


def test_run_exporters_restarts_what_runs(armed):
    (before,) = armed.exporters()
    done = armed.script("run_exporters.sh")
    assert (done.returncode, done.stdout) == (0, "dbus2prom: both ports answer\n")
    (after,) = armed.exporters()
    assert after != before


def test_the_watchdog_is_silent_while_all_is_well(armed):
    (before,) = armed.exporters()
    done = armed.script("watchdog.sh")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert armed.exporters() == [before]


def test_the_watchdog_restarts_a_hung_loop_whose_ports_still_listen(armed):
    (before,) = armed.exporters()
    os.kill(before, signal.SIGSTOP)
    done = armed.script("watchdog.sh")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "dbus2prom: both ports answer")
    assert armed.exporters() != [before]


def test_the_watchdog_leaves_it_to_another_that_is_at_work(armed):
    (before,) = armed.exporters()
    os.kill(before, signal.SIGSTOP)
    with (armed.path / "run" / "dbus2prom" / "watchdog.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert armed.script("watchdog.sh").stdout == ""
    assert armed.exporters() == [before]


@pytest.mark.parametrize(("script", "view"), [("run_fast.sh", "fast"), ("run_slow.sh", "slow")])
def test_one_view_alone_to_debug_and_back(armed, script, view):
    debug = armed.start_script(script)
    wait_until(lambda: armed.healthy(view), 20, f"only {view} answers")
    (running,) = armed.exporters()
    os.kill(running, signal.SIGKILL)
    wait_until(lambda: armed.healthy(view) and armed.exporters() != [running], 20, "it runs in a loop")
    assert armed.script("watchdog.sh").stdout == "", "the watchdog does not mind"
    debug.signal(signal.SIGTERM)
    debug.child.wait(60)
    assert armed.healthy("fast", "slow")


def test_without_a_supervisor_it_runs_in_the_background_once(gx):
    for _ in range(2):
        assert gx.script("run_exporters.sh").stdout == "dbus2prom: both ports answer\n"
        assert len(gx.exporters()) == 1
    (running,) = gx.exporters()
    os.kill(running, signal.SIGKILL)
    assert gx.script("watchdog.sh").returncode == 0
    assert gx.healthy("fast", "slow")


def test_what_cannot_start_is_said(gx):
    (gx.home / "dbus2prom.py").write_text("raise SystemExit(1)")
    done = gx.script("run_exporters.sh")
    assert done.returncode == 1
    assert "still no answer; see" in done.stderr


def test_disarming_leaves_nothing_running_and_other_crontab_lines_alone(armed):
    armed.crontab.write_text("0 3 * * * /usr/bin/something\n" + armed.crontab.read_text())
    assert armed.script("arm.sh", "off").returncode == 0
    wait_until(lambda: not armed.exporters(), 10, "the exporter has ended")
    assert list((armed.path / "service").iterdir()) == []
    assert armed.crontab.read_text() == "0 3 * * * /usr/bin/something\n"
    wait_until(lambda: processes(armed) == ["svscan"], 10, "no supervisor is left")


def processes(gx) -> list[str]:
    """Names of the processes whose working folder is in the root."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve().is_relative_to(gx.path):
                found.append((entry / "comm").read_text().strip())
        except OSError:
            continue  # it has ended meanwhile
    return found
