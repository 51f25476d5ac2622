"""The registry file, and the lock around it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import registry
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.lock import locked
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.registry import Meter

WHEN = "2026-11-24T00:00:00+00:00"
ONE = Meter("10.10.4.11", 502, 1, "AH24000011", "active", WHEN, WHEN, logger=3, block=0x3000, power_scale=1.0)


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "registry.json"

    registry.save(str(path), {ONE.key: ONE})

    assert registry.load(str(path)) == {ONE.key: ONE}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["registry.json"]


def test_a_registry_of_an_earlier_release_is_read(tmp_path):
    path = tmp_path / "registry.json"
    stored = json.loads(registry.dump({ONE.key: ONE}))
    for newer in ("missing_since", "wiring_judged", "wiring_faults", "has_thd", "family"):
        del stored["meters"][ONE.key][newer]
    path.write_text(json.dumps(stored))

    assert registry.load(str(path)) == {ONE.key: ONE}


def test_the_file_can_be_read_by_others():
    stored = json.loads(registry.dump({ONE.key: ONE}))

    assert stored["schema"] == 1
    assert stored["meters"]["AH24000011"]["logger"] == 3


@pytest.mark.parametrize(
    ("meter", "key", "system_id", "device"),
    [
        (ONE, "AH24000011", "acuvim_13", "acuvim_13"),
        (Meter("10.10.4.11", 502, 1, "", "active", WHEN, WHEN, logger=10), "10.10.4.11/1", "acuvim_110", "acuvim_110"),
        (Meter("10.10.4.11", 2003, 7, "", "active", WHEN, WHEN, 2, "pump"), "10.10.4.11:2003/7", "acuvim_12", "pump"),
    ],
    ids=["by serial", "by address and unit", "by address, port and unit, with a name"],
)
def test_names(meter, key, system_id, device):
    assert (meter.key, meter.system_id, meter.device) == (key, system_id, device)


def test_no_file_is_an_empty_registry(tmp_path):
    assert registry.load(str(tmp_path / "none.json")) == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("", "restore it from a backup", id="empty"),
        pytest.param('{"schema": 1, "met', "restore it from a backup", id="cut off"),
        pytest.param("[]", "not a meter registry", id="something else"),
        pytest.param('{"schema": 1, "meters": {"A": {"ip": "10.10.4.11"}}}', "not a meter registry", id="half a meter"),
        pytest.param('{"schema": 2, "meters": {}}', "schema 2.*newer release", id="of a newer release"),
    ],
)
def test_a_damaged_file_is_an_error_and_stays(tmp_path, content, says):
    path = tmp_path / "registry.json"
    path.write_text(content)

    with pytest.raises(AcuvimError, match=says) as refused:
        registry.load(str(path))

    assert str(path) in str(refused.value)
    assert path.read_text() == content


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "registry.json"
    registry.save(str(path), {ONE.key: ONE})

    with pytest.raises(TypeError):
        registry.save(str(path), {"B": Meter("10.10.4.12", 502, 1, object(), "active", WHEN, WHEN)})

    assert registry.load(str(path)) == {ONE.key: ONE}
    assert [file.name for file in tmp_path.iterdir()] == ["registry.json"]


def test_a_second_run_names_the_first(tmp_path):
    path = str(tmp_path / "lock")

    with locked(path, 0), pytest.raises(AcuvimError, match=f"held by process {os.getpid()}"), locked(path, 0.2):
        pass


def test_a_second_run_hears_how_far_the_first_is(tmp_path):
    path = str(tmp_path / "lock")

    with locked(path, 0) as note:
        note(", 128 of 254 addresses asked")
        note(", 9 of 9 addresses asked")
        with pytest.raises(AcuvimError, match=r"\), 9 of 9 addresses asked; wait for it"), locked(path, 0):
            pass


def test_a_second_run_waits_for_the_first(tmp_path):
    path = str(tmp_path / "lock")
    order = []

    def second():
        with locked(path, 10):
            order.append("second")

    with locked(path, 0):
        waiting = threading.Thread(target=second)
        waiting.start()
        order.append("first")
    waiting.join()

    assert order == ["first", "second"]


def test_a_killed_run_leaves_no_lock(tmp_path):
    path = str(tmp_path / "lock")
    holder = (
        "import sys, time\n"
        "from ansible_collections.ovr.edge.plugins.module_utils.acuvim.lock import locked\n"
        "with locked(sys.argv[1], 0):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", holder, path], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"held\n"
        process.kill()

    with locked(path, 0):
        pass
