"""From a meter's registers to series in VictoriaMetrics, through a real Telegraf."""

from __future__ import annotations

import math
import signal
import time

import pytest

from tests.parts import telegraf, victoria_metrics
from tests.parts.process import wait_until
from tests.unit.acuvim.endpoints import holding, serving
from tests.unit.acuvim.images import LIVE, acuvim, kilo, live, load, sunspec

pytestmark = pytest.mark.real

COUNTERS = {"Ep_imp", "Ep_exp", "Eq_imp", "Eq_exp", "Ep_total", "Ep_net", "Eq_total", "Eq_net", "Es"}
DEMAND = {"P_demand", "Q_demand", "S_demand"}
DISTORTION = {f"THD_{name}" for name in ("Va", "Vb", "Vc", "V", "Ia", "Ib", "Ic", "I")}
EVERYTHING = '{__name__!=""}'


@pytest.fixture
def two_meters(rig, meter, port):
    """A meter that counts in W and one that counts in kW, found and polled."""
    watts = meter("127.10.4.21", "sim_21")
    kilowatts = meter("127.10.4.22", "sim_22", kilowatts=True)
    rig.box.targets.write_text(f"127.10.4.21 port={port} logger=1\n127.10.4.22 port={port} logger=2 name=generator\n")
    rig.box.discover()
    return watts, kilowatts


def keeps_arriving(rig, system_id: str, name: str = "acuvim_P") -> bool:
    since = time.time()
    return bool(wait_until(lambda: len(rig.arrived(system_id, name, since)) >= 2, 20, f"{name} of {system_id}"))


@pytest.mark.usefixtures("two_meters")
def test_names_and_labels_are_the_contract(rig):
    since = time.time()
    for system_id in ("acuvim_12", "acuvim_11"):
        for name in ("Ep_imp", "P_demand", "THD_Va"):
            wait_until(
                lambda one=system_id, of=name: rig.arrived(one, f"acuvim_{of}", since), 90, f"{name}, {system_id}"
            )
    stored = [one["metric"] for one in rig.database.export(EVERYTHING, since, time.time() + 10)]

    labels = {frozenset((name, value) for name, value in one.items() if name != "__name__") for one in stored}
    assert labels == {
        frozenset({"system_id": system, "device": device, "ip": ip, "role": "power_meter"}.items())
        for system, device, ip in (("acuvim_11", "acuvim_11", "127.10.4.21"), ("acuvim_12", "generator", "127.10.4.22"))
    }
    assert {one["__name__"] for one in stored} == {
        f"acuvim_{name}" for name in {*LIVE, *COUNTERS, *DEMAND, *DISTORTION}
    }


def test_watts_are_watts_whatever_the_meter_counts_in_and_agree(rig, two_meters):
    since = time.time()
    for system_id, meter in zip(("acuvim_11", "acuvim_12"), two_meters, strict=True):
        powers = wait_until(lambda system=system_id: rig.arrived(system, "acuvim_P", since), 20, "power")
        phases = [rig.arrived(system_id, f"acuvim_P{phase}", since)[0] for phase in "abc"]
        assert powers == [pytest.approx(meter.true_w, rel=0.01)] * len(powers)
        assert sum(phases) == pytest.approx(meter.true_w, rel=0.01)

    rig.box.discover()
    lines = (rig.box.folder / "acuvim.prom").read_text().splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line.startswith("acuvim_quality"))
    for system_id in ("acuvim_11", "acuvim_12"):
        for identity in ("Vln", "Vll", "I", "P", "S", "PF"):
            assert float(told[f'acuvim_quality_residual{{system_id="{system_id}",identity="{identity}"}}']) < 0.001
        assert told[f'acuvim_quality_repeated_polls{{system_id="{system_id}"}}'] == "0"


@pytest.mark.parametrize(
    ("end", "resume"),
    [
        pytest.param(lambda meter: meter.kill(), None, id="gone"),
        pytest.param(
            lambda meter: meter.signal(signal.SIGSTOP), lambda meter: meter.signal(signal.SIGCONT), id="hung, then back"
        ),
    ],
)
def test_a_dead_meter_is_a_gap_and_costs_the_others_nothing(rig, two_meters, end, resume):
    dead, _ = two_meters
    keeps_arriving(rig, "acuvim_11")
    end(dead)
    # A poll that was under way may still be written.
    ended = time.time() + 1.5
    wait_until(lambda: len(rig.arrived("acuvim_12", "acuvim_P", ended)) >= 4, 30, "samples of the other meter")

    assert rig.samples('{system_id="acuvim_11"}', ended) == {}
    if resume:
        resume(dead)
        keeps_arriving(rig, "acuvim_11")
        assert 0 not in rig.arrived("acuvim_11", "acuvim_P", ended)


def test_a_meter_that_turns_slow_and_then_is_replaced_costs_the_others_nothing(rig, two_meters):
    words, delay = dict(acuvim(load(), serial="OLD").words), [0.0]

    def answer(request):
        yield delay[0]
        yield from holding(words)(request)

    with serving(answer, "127.10.4.23") as (ip, port):
        lines = [f"{one.ip} port={one.port}" for one in two_meters]
        rig.box.targets.write_text("\n".join([*lines, f"{ip} port={port}"]) + "\n")
        began = time.time()
        rig.box.discover()
        delay[0] = 0.9  # its input waits for 0.6 s
        slowed = time.time() + 1.5
        wait_until(lambda: len(rig.arrived("acuvim_12", "acuvim_P", slowed)) >= 3, 90, "samples of another meter")
        while_slow = rig.arrived("acuvim_13", "acuvim_P", slowed)
        delay[0] = 0.0
        keeps_arriving(rig, "acuvim_13")
        words.update(acuvim(load(amperes=20), serial="NEW").words)
        replaced = time.time()
        told = rig.box.discover()
        since = time.time() + 1.5
        for system_id in ("acuvim_14", "acuvim_12"):
            wait_until(lambda one=system_id: len(rig.arrived(one, "acuvim_P", since)) >= 2, 90, system_id)

    assert while_slow == []
    before = rig.samples('acuvim_P{system_id="acuvim_13"}', began)["acuvim_P"]
    assert {round(value, 1) for stamp, value in before if stamp < replaced} == {round(load()["P"], 1)}
    assert {(change["meter"], change["what"]) for change in told["changes"]} == {("OLD", "displaced"), ("NEW", "new")}
    assert rig.arrived("acuvim_13", "acuvim_P", since) == []
    assert {round(value, 1) for value in rig.arrived("acuvim_14", "acuvim_P", since)} == {
        round(load(amperes=20)["P"], 1)
    }


def test_what_is_no_number_is_a_gap_in_its_own_series(rig):
    words = {0x3000: live(load(Ib=math.nan, Qc=math.inf)), 0xC350: sunspec()}
    with serving(holding(words), "127.10.4.23") as (ip, port):
        rig.box.targets.write_text(f"{ip} port={port}\n")
        rig.box.discover()
        since = time.time()
        keeps_arriving(rig, "acuvim_11")
        stored = rig.samples('{system_id="acuvim_11"}', since)

    assert {f"acuvim_{name}" for name in LIVE} - set(stored) == {"acuvim_Ib", "acuvim_Qc"}


def test_power_waits_for_a_load_that_shows_its_unit(rig):
    words = {0x3000: live(load(amperes=0)), 0xC350: sunspec()}
    with serving(holding(words), "127.10.4.23") as (ip, port):
        rig.box.targets.write_text(f"{ip} port={port}\n")
        first = rig.box.discover()
        since = time.time()
        keeps_arriving(rig, "acuvim_11", "acuvim_Va")
        without_load = rig.samples('{system_id="acuvim_11"}', since)

        words[0x3000] = live(kilo(load()))
        rig.box.discover()
        since = time.time()
        powers = wait_until(lambda: rig.arrived("acuvim_11", "acuvim_P", since), 20, "power")

    assert "power=W" in first["problems"][0]
    assert {f"acuvim_{name}" for name in LIVE} - set(without_load) == {
        f"acuvim_{kind}{phase}" for kind in "PQS" for phase in ("", "a", "b", "c")
    }
    assert powers[0] == pytest.approx(load()["P"], rel=1e-6)


@pytest.mark.usefixtures("two_meters")
def test_what_the_database_missed_comes_from_the_disk_buffer(rig):
    keeps_arriving(rig, "acuvim_11")
    folder, database_port = rig.box.folder, rig.database.port
    rig.database.stop()
    away = time.time()
    buffer = folder / "buffer"
    size = buffer_size(buffer)
    wait_until(lambda: buffer_size(buffer) > size + 4000, 30, "a buffer that grows")
    rig.telegraf.kill()
    killed = time.time()

    with (
        victoria_metrics.running(folder, port=database_port) as database,
        telegraf.running(folder, f"{database.url}/write"),
    ):
        rig.database = database
        wait_until(lambda: rig.arrived("acuvim_11", "acuvim_P", killed), 30, "samples of the new Telegraf")
        stamps = [stamp for stamp, _ in rig.samples('acuvim_P{system_id="acuvim_11"}', away)["acuvim_P"]]

    before_the_kill = [stamp for stamp in stamps if stamp < killed]
    assert len(before_the_kill) >= int(killed - away) - 1
    assert len(stamps) == len(set(stamps))


def buffer_size(folder) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
