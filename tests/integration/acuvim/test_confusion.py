"""Whatever may answer on a meter network: no meter is missed, nothing else is polled, and each verdict says why."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.acuvim import decoys
from tests.integration.acuvim.conftest import Box
from tests.lab.cache import REPO
from tests.parts.process import Process, free_port

pytestmark = pytest.mark.real

METER, PROBABLE, UNSUPPORTED = "meter", "probable (no signal)", "seen, not supported"
OTHER, SILENT = "not an Acuvim", "no answer"

# What answers → its verdict, and what the evidence must name.
VERDICTS = {
    "II with SunSpec": (METER, "SunSpec block of Accuenergy"),
    "II without identity": (METER, "Vln = 120 is the mean of Va Vb Vc"),
    "II with a dead bus": (METER, "all values are 0"),
    "II word-swapped": (METER, "Vll = 207.8 is the mean"),
    "II in kW": (METER, "power in kW"),
    "II sold by Eaton": (METER, "model code CRD of Eaton"),
    "II with one value NaN": (METER, "some values are not numbers"),
    "II at 0x4000 only": (METER, "map of Acuvim II at 0x4000"),
    "II at unit 255": (METER, "SunSpec"),
    "II at unit 2": (METER, "SunSpec"),
    "II fragmented": (METER, "SunSpec"),
    "II slow, below the timeout": (METER, "SunSpec"),
    "II with late replies": (METER, "Vln = 120 is"),
    "II busy at first": (METER, "SunSpec"),
    "II that breaks off": (METER, "SunSpec"),
    "II with one connection": (METER, "SunSpec"),
    "L": (METER, "map of Acuvim L at 0x0600"),
    "Acuvim 3": (METER, "map of Acuvim 3 at 0x2114"),
    "II, fast-read mode": (PROBABLE, "switch its fast-read mode off"),
    "L, fast-read mode": (OTHER, "switch its fast-read mode off"),
    "all zero": (PROBABLE, "all live values are 0"),
    "AcuRev 2100": (UNSUPPORTED, "map of AcuRev 2100 at 0x2000"),
    "AcuRev 1310": (UNSUPPORTED, "model AcuRev 1312"),
    "AcuDC": (UNSUPPORTED, "map of AcuDC at 0x0200"),
    "SunSpec inverter": (OTHER, "SunSpec block of SMA"),
    "Eastron": (OTHER, "0x3000 0x3400 0xc350"),
    "all 0x4248": (OTHER, "all values are the same"),
    "echo of the address": (OTHER, "Hz"),
    "noise": (OTHER, "Hz"),
    "PLC full of 230.0": (OTHER, "all values are the same"),
    "NaN everywhere": (OTHER, "some values are not numbers"),
    "infinite current": (OTHER, "some values are not numbers"),
    "nobody": (SILENT, "connection refused"),
    "silent": (SILENT, "no answer to 4 connects"),
    "mute": (SILENT, "no reply within"),
    "reset": (SILENT, "ended the connection"),
    "slow, above the timeout": (SILENT, "no reply within"),
    "another unit's echo": (SILENT, "no reply within"),
    "short byte count": (SILENT, "a reply of 6 bytes"),
    "web server": (SILENT, "are not a Modbus header"),
    "SSH server": (SILENT, "are not a Modbus header"),
    "exception 1": (OTHER, "exception 1"),
    "exception 2": (OTHER, "exception 2"),
    "exception 4": (SILENT, "exception 4"),
    "exception 6": (OTHER, "exception 6"),
    "exception 10": (SILENT, "exception 10"),
    "exception 11": (SILENT, "exception 11"),
}
ADDRESSES = {name: f"127.10.7.{number}" for number, name in enumerate(VERDICTS, 1)}


@contextlib.contextmanager
def answering(folder: Path, names: dict[str, str], port: int) -> Iterator[None]:
    """A process for each: address → what answers there."""
    with contextlib.ExitStack() as ends:
        started = []
        for ip, name in names.items():
            command = [sys.executable, "-m", "tests.integration.acuvim.decoys", name, ip, str(port)]
            collections = {"PYTHONPATH": f"{REPO}:{REPO / '.ansible' / 'collections'}"}
            started.append(Process(command, folder / f"{name} at {ip}.log", collections, REPO))
            ends.callback(started[-1].stop)
        for process in started:
            process.wait_ready(lambda process=process: "ready" in process.tail(), 90)
        yield


def new_box(folder: Path) -> Box:
    """A box that remembers and writes no files."""
    without = ("--telegraf-dir=", f"--reply-timeout={decoys.REPLY_TIMEOUT_S}", "--connect-timeout=1")
    return Box(folder, without)


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> dict:
    """One discovery over all of them at once."""
    folder, port = tmp_path_factory.mktemp("confusion"), free_port("127.10.7.1")
    box = new_box(folder)
    box.targets.write_text("".join(f"{ip} port={port}\n" for ip in ADDRESSES.values()))
    with answering(folder, {ip: name for name, ip in ADDRESSES.items() if name != "nobody"}, port):
        return box.discover()


@pytest.mark.parametrize("name", VERDICTS)
def test_each_verdict_says_why(result, name):
    verdict, reason = VERDICTS[name]
    (found,) = [finding for finding in result["findings"] if finding["ip"] == ADDRESSES[name]]

    assert found["verdict"] == verdict
    assert reason in "; ".join(found["evidence"])


def test_no_meter_is_missed_and_nothing_else_is_polled(result):
    polled = {meter["ip"] for meter in result["meters"] if meter["polled"]}

    assert polled == {ADDRESSES[name] for name, (verdict, _) in VERDICTS.items() if verdict == METER}


def test_every_meter_answers_to_a_number_of_its_own(result):
    numbers = [meter["logger"] for meter in result["meters"] if meter["polled"]]

    assert len(numbers) == len(set(numbers))


@pytest.fixture
def place(tmp_path):
    """A box, and a port that is free on all addresses."""
    return new_box(tmp_path), free_port("127.10.7.101")


def test_two_units_behind_one_address_are_two_meters(place, tmp_path):
    box, port = place
    box.targets.write_text(f"127.10.7.101 port={port} unit=3\n127.10.7.101 port={port} unit=7\n")
    with answering(tmp_path, {"127.10.7.101": "two units"}, port):
        found = box.discover()

    assert {(meter["unit"], meter["serial"]) for meter in found["meters"] if meter["polled"]} == {
        (3, "AH24000031"),
        (7, "AH24000037"),
    }


def test_one_serial_at_two_addresses_is_polled_once(place, tmp_path):
    box, port = place
    box.targets.write_text(f"127.10.7.101 port={port}\n127.10.7.102 port={port}\n")
    with answering(tmp_path, {"127.10.7.101": "meter A", "127.10.7.102": "meter A"}, port):
        found = box.discover()

    assert [meter["ip"] for meter in found["meters"] if meter["polled"]] == ["127.10.7.101"]
    assert any("AH24000041" in said and "127.10.7.102" in said for said in found["problems"])


def test_another_serial_at_an_address_is_another_meter(place, tmp_path):
    box, port = place
    box.targets.write_text(f"127.10.7.101 port={port}\n")
    with answering(tmp_path, {"127.10.7.101": "meter A"}, port):
        before = box.discover()
    with answering(tmp_path, {"127.10.7.101": "meter B"}, port):
        after = box.discover()

    assert [(meter["serial"], meter["logger"]) for meter in before["meters"]] == [("AH24000041", 1)]
    assert [(meter["serial"], meter["logger"], meter["polled"]) for meter in after["meters"]] == [
        ("AH24000041", 1, False),
        ("AH24000042", 2, True),
    ]
    assert {"new", "displaced"} <= {change["what"] for change in after["changes"]}


def test_another_ct_ratio_is_told(place, tmp_path):
    box, port = place
    box.targets.write_text(f"127.10.7.101 port={port}\n")
    with answering(tmp_path, {"127.10.7.101": "meter A"}, port):
        box.discover()
    with answering(tmp_path, {"127.10.7.101": "meter A with another CT"}, port):
        after = box.discover()

    assert [(change["what"], change["why"]) for change in after["changes"]] == [("updated", "ct 200/5 → 400/5")]


def test_a_meter_whose_only_connection_is_taken_stays_polled(place, tmp_path):
    box, port = place
    box.targets.write_text(f"127.10.7.101 port={port}\n")
    with answering(tmp_path, {"127.10.7.101": "II with one connection"}, port):
        box.discover()
        with socket.create_connection(("127.10.7.101", port)) as telegraf:
            telegraf.sendall(bytes.fromhex("0001 0000 0006 01 03 3000 003c"))
            assert telegraf.recv(260)
            after = box.discover()

    assert [(meter["polled"], meter["found"]) for meter in after["meters"]] == [(True, False)]
    assert any("was not found this time" in said and "connection" in said for said in after["problems"])
