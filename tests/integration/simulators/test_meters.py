"""The simulated meters as a program on loopback addresses, asked by a Modbus client."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from simulators.scenario import Scenario
from tests.parts.process import Process, free_port

pytestmark = pytest.mark.real

REPO = Path(__file__).parents[3]
RAMPS = REPO / "simulators" / "scenarios" / "ramps.json"
HOSTS = {"acuvim_11": "127.10.4.11", "acuvim_12": "127.10.4.12"}
STEEPEST_W_PER_S = 700


class Meters(Process):
    def __init__(self, folder: Path):
        self.epoch_ns = time.time_ns() - 27 * 10**9
        self.port = free_port(HOSTS["acuvim_11"])
        places = [f"--meter={host}:{self.port}={system}" for system, host in HOSTS.items()]
        places[1] += ",kilowatts"
        super().__init__(
            [
                *(sys.executable, "-m", "simulators.meters", f"--scenario={RAMPS}", "--seed=1"),
                *(f"--epoch={self.epoch_ns}", *places),
            ],
            folder / "meters.log",
            cwd=REPO,
        )
        self.wait_ready(lambda: all(f"{system} on" in self.tail() for system in HOSTS))


@pytest.fixture(scope="module")
def meters(tmp_path_factory):
    process = Meters(tmp_path_factory.mktemp("meters"))
    yield process
    process.stop()


@pytest.fixture
def client(meters):
    with ModbusTcpClient(HOSTS["acuvim_11"], port=meters.port) as connected:
        yield connected


def floats(client: ModbusTcpClient, address: int, count: int) -> list[float]:
    reply = client.read_holding_registers(address, count=2 * count)
    return client.convert_from_registers(reply.registers, client.DATATYPE.FLOAT32)


def test_one_read_of_the_live_block_is_consistent(client):
    live = floats(client, 0x3000, 30)
    assert sum(live[14:17]) == pytest.approx(live[17], rel=1e-5)
    assert live[25] ** 2 == pytest.approx(live[17] ** 2 + live[21] ** 2, rel=1e-5)
    assert live[17] / live[25] == pytest.approx(live[29], rel=1e-5)


def test_a_read_tells_the_power_of_its_moment(meters, client):
    scenario = Scenario.load(RAMPS, seed=1)
    before_ns = time.time_ns()
    shown = floats(client, 0x3000, 30)[17]
    after_ns = time.time_ns()
    around = [(moment - meters.epoch_ns) / 1e9 for moment in (before_ns - 11 * 10**7, before_ns, after_ns)]
    truths = [scenario.power_w("acuvim_11", t_s) for t_s in around]
    assert min(truths) - 0.12 * STEEPEST_W_PER_S <= shown <= max(truths) + 0.12 * STEEPEST_W_PER_S


def test_the_two_blocks_agree_but_for_their_age(client):
    live, basic = floats(client, 0x3000, 30), floats(client, 0x4000, 30)
    assert basic[1:9] == pytest.approx(live[1:9], abs=1.5)
    assert basic[26:30] == pytest.approx(live[26:30], abs=1e-4)
    assert basic[17] == pytest.approx(live[17], abs=2 * STEEPEST_W_PER_S)


def test_each_address_is_a_meter_of_its_own(meters, client):
    with ModbusTcpClient(HOSTS["acuvim_12"], port=meters.port) as other:
        assert floats(other, 0x3000, 30)[17] < 10  # kW
        serials = [one.read_holding_registers(0xF040, count=6).registers for one in (client, other)]
    assert serials[0] != serials[1]


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        pytest.param(lambda client: client.read_holding_registers(0x3044, count=2), 2, id="no such register"),
        pytest.param(lambda client: client.read_input_registers(0x3000, count=2), 1, id="function 4"),
        pytest.param(lambda client: client.write_register(0x1008, 1), 1, id="a write"),
    ],
)
def test_what_a_meter_does_not_do_is_an_exception(client, ask, code):
    assert ask(client).exception_code == code


@pytest.mark.parametrize(
    ("meter", "said"),
    [
        ("10.10.4.11=acuvim_11", "is not HOST:PORT=SYSTEM"),
        ("127.10.4.13:5502=acuvim_77", "no system 'acuvim_77': use one of rig_01, acuvim_11, acuvim_12"),
    ],
    ids=["no port", "unknown system"],
)
def test_a_wrong_meter_is_refused_with_a_sentence(meter, said):
    command = [sys.executable, "-m", "simulators.meters", f"--scenario={RAMPS}", f"--meter={meter}"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_port_in_use_is_refused_with_its_address(meters):
    place = f"{HOSTS['acuvim_11']}:{meters.port}"
    command = [sys.executable, "-m", "simulators.meters", f"--scenario={RAMPS}", f"--meter={place}=acuvim_11"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert done.stderr.strip() == f"{place} cannot be used: Address already in use"
