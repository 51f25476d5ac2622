"""Nothing that Telegraf would die of reaches its folder, and what brings no samples is taken back."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from tests.integration.acuvim.conftest import TEMPLATE
from tests.parts import telegraf
from tests.parts.process import wait_until
from tests.unit.acuvim.endpoints import holding, serving
from tests.unit.acuvim.images import acuvim, load

pytestmark = pytest.mark.real


@pytest.fixture
def polled(rig, meter, port):
    """One meter that is polled."""
    meter("127.10.4.21", "sim_21")
    rig.box.targets.write_text(f"127.10.4.21 port={port}\n")
    rig.box.discover()
    return rig


def assert_still_polling(rig):
    since = time.time()
    wait_until(lambda: len(rig.arrived("acuvim_11", "acuvim_P", since)) >= 2, 20, "samples as before")
    assert rig.telegraf.child.poll() is None


# What is done to the template, and what Telegraf then says.
BROKEN = {
    "a value that is none": ('interval = "', 'interval = "soon', "time: "),
    "a misspelt key": ("configuration_type", "configuration_typ", "configuration_typ"),
    "a broken table": ("[[inputs.modbus]]", "[[inputs.modbus]", "parsing"),
    "a variable that is not set": ('"tcp://', '"${NOT_SET}', "E! "),
}


def test_telegraf_refuses_what_it_could_not_load_and_goes_on(polled, tmp_path):
    before, registry = polled.box.files(), polled.box.registry.read_text()
    broken = tmp_path / "broken.tpl"
    for case, (old, new, says) in BROKEN.items():
        broken.write_text(TEMPLATE.read_text().replace(old, new))
        done = polled.box.try_discover(template=str(broken))

        assert done.returncode == 1, case
        assert "Telegraf did not accept the new files, nothing was changed" in done.stderr, case
        assert says in done.stderr, case
        assert (polled.box.files(), polled.box.registry.read_text()) == (before, registry), case
    assert_still_polling(polled)


def test_a_meter_that_another_file_polls_already_is_refused(polled, meter, port):
    by_hand = polled.box.files()["acuvim_11.conf"].replace("127.10.4.21:", "127.10.4.22:")
    (polled.box.watched / "mine.conf").write_text(by_hand.replace("acuvim_11", "by_hand"))
    meter("127.10.4.22", "sim_22")
    before, registry = polled.box.files(), polled.box.registry.read_text()
    polled.box.targets.write_text(f"127.10.4.20/30 port={port}\n")

    done = polled.box.try_discover()

    assert done.returncode == 1
    assert f"mine.conf and acuvim_12.conf would both poll tcp://127.10.4.22:{port} unit 1" in done.stderr
    assert (polled.box.files(), polled.box.registry.read_text()) == (before, registry)
    assert_still_polling(polled)


def test_files_that_bring_no_samples_are_taken_back(polled, tmp_path):
    before, registry = polled.box.files(), json.loads(polled.box.registry.read_text())
    elsewhere = tmp_path / "elsewhere.tpl"
    elsewhere.write_text(TEMPLATE.read_text().replace("{{ meter.ip }}:", "127.10.4.99:"))

    done = polled.box.try_discover("--verify-seconds=2", template=str(elsewhere))

    assert done.returncode == 1
    assert "no sample of acuvim_11 reached" in done.stderr
    assert (polled.box.files(), json.loads(polled.box.registry.read_text())) == (before, registry)
    assert_still_polling(polled)


def test_a_new_meter_joins_without_a_restart(polled, port):
    with serving(holding(acuvim(load(), serial="AH7").words), "127.10.4.23") as (ip, other_port):
        polled.box.targets.write_text(f"127.10.4.21 port={port}\n{ip} port={other_port}\n")
        began = time.time()
        told = polled.box.discover()

        assert polled.arrived("acuvim_12", "acuvim_P", began), "its samples are there when the discovery ends"
        assert told["files"] == {"added": ["acuvim_12.conf"], "changed": [], "removed": []}
        assert_still_polling(polled)


def test_a_meter_that_brought_no_samples_before_does_not_hold_up_a_new_one(polled, meter, port):
    """The first meter answers the scan; Telegraf cannot read it, since before the change."""
    spoilt = polled.box.watched / "acuvim_11.conf"
    spoilt.write_text(spoilt.read_text().replace("127.10.4.21:", "127.10.4.99:"))
    wait_until(lambda: not polled.arrived("acuvim_11", "acuvim_P", time.time() - 6), 30, "silence of the first meter")
    template = polled.box.folder / "spoilt.tpl"
    template.write_text(
        TEMPLATE.read_text().replace("{{ meter.ip }}:", "{{ '127.10.4.99' if '21' in meter.ip else meter.ip }}:")
    )
    meter("127.10.4.22", "sim_22")
    polled.box.targets.write_text(f"127.10.4.20/30 port={port}\n")

    told = polled.box.discover(template=str(template))

    assert told["files"] == {"added": ["acuvim_12.conf"], "changed": [], "removed": []}


def test_a_delisted_meter_is_no_longer_polled(polled):
    polled.box.targets.write_text("")

    told = polled.box.discover()

    assert told["files"]["removed"] == ["acuvim_11.conf"]
    since = wait_until(
        lambda: time.time() if not polled.arrived("acuvim_11", "acuvim_P", time.time() - 3) else None, 20, "silence"
    )
    assert polled.arrived("acuvim_11", "acuvim_P", since) == []
    assert polled.telegraf.child.poll() is None


@pytest.mark.parametrize(("strategy", "opened"), [("memory", False), ("disk", True)])
def test_a_check_with_the_variable_of_the_role_leaves_the_disk_buffer_alone(tmp_path, strategy, opened):
    """The running Telegraf has that buffer open; two processes on one buffer break it."""
    buffer, config = tmp_path / "buffer", tmp_path / "telegraf.conf"
    config.write_text(telegraf.configuration("http://127.0.0.1:1/write", buffer, 1))
    command = [*telegraf.check_command(), f"--config={config}"]
    subprocess.run(command, env={"TELEGRAF_BUFFER_STRATEGY": strategy}, capture_output=True, check=True)

    assert buffer.exists() is opened
