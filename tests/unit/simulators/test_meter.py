"""A meter's registers, decoded here by hand from the published map, against physics and the scenario's truth."""

from __future__ import annotations

import cmath
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.meters.meter import Meter, Options
from simulators.scenario import Scenario

RAMPS = Path(__file__).parents[3] / "simulators" / "scenarios" / "ramps.json"
SCENARIO = Scenario.load(RAMPS, seed=1)
METER = Meter(SCENARIO, "acuvim_11")
SHARES = (0.38, 0.34, 0.28)
DAY_S = 86_400.0


def raw(meter: Meter, address: int, count: int, t_s: float) -> bytes:
    return struct.pack(f">{count}H", *meter.registers(address, count, t_s))


def floats(meter: Meter, address: int, count: int, t_s: float) -> list[float]:
    return list(struct.unpack(f">{count}f", raw(meter, address, 2 * count, t_s)))


def counters(meter: Meter, address: int, count: int, t_s: float) -> list[int]:
    return list(struct.unpack(f">{count}I", raw(meter, address, 2 * count, t_s)))


def ascii_at(meter: Meter, address: int, count: int) -> str:
    return raw(meter, address, count, 0).rstrip(b"\0").decode()


def near(expected: float):
    return pytest.approx(expected, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("block", METER.blocks, ids=lambda block: hex(block.start))
def test_a_block_has_the_registers_it_says(block):
    words = block.shown(12.3)
    assert len(words) == block.size
    assert all(0 <= word <= 0xFFFF for word in words)


@given(t_s=st.floats(-100, 1e6))
def test_redundant_values_of_the_live_block_agree(t_s):
    live = floats(METER, 0x3000, 30, t_s)
    frequency, v, v_mean, lines, lines_mean = live[0], live[1:4], live[4], live[5:8], live[8]
    i, i_mean, neutral = live[9:12], live[12], live[13]
    assert 49 < frequency < 51
    assert sum(v) / 3 == near(v_mean)
    assert sum(lines) / 3 == near(lines_mean)
    assert lines_mean == pytest.approx(math.sqrt(3) * v_mean, rel=1e-4)
    assert sum(i) / 3 == near(i_mean)
    assert 0 <= neutral <= max(i)
    for p, q, s, pf in zip(live[14:18], live[18:22], live[22:26], live[26:30], strict=True):
        assert s * s == near(p * p + q * q)
        assert pf == near(p / s)
    for quantity in (live[14:18], live[18:22], live[22:26]):
        assert sum(quantity[:3]) == near(quantity[3])
    assert [volts * amperes for volts, amperes in zip(v, i, strict=True)] == [near(s) for s in live[22:25]]


@given(t_s=st.floats(0, 1e5))
def test_power_is_the_truth_of_the_last_tenth_of_a_second(t_s):
    shown = floats(METER, 0x3022, 1, t_s)[0]
    recent = [SCENARIO.power_w("acuvim_11", t_s - back / 100) for back in range(12)]
    assert min(recent) - 0.01 * max(recent) <= shown <= max(recent) + 0.01 * max(recent)


@given(t_s=st.floats(0, 1e5))
def test_the_fast_block_shows_what_the_live_block_shows(t_s):
    live, fast = floats(METER, 0x3000, 30, t_s), floats(METER, 0x3400, 15, t_s)
    expected = [*live[1:4], *live[5:8], *live[9:12], live[4], live[8], live[12], live[17], live[21], live[0]]
    assert fast == expected


def test_the_block_of_every_second_shows_what_the_live_block_showed_within_that_second():
    for turn in range(50):
        t_s = 10 + turn * 0.37
        basic = floats(METER, 0x4000, 30, t_s)
        earlier = [floats(METER, 0x3000, 30, t_s - back / 50)[17] for back in range(60)]
        assert min(earlier) - 20 <= basic[17] <= max(earlier) + 20
        assert sum(basic[14:17]) == near(basic[17])


def test_powers_may_be_in_kilowatts_and_everything_else_stays():
    watts, kilowatts = METER, Meter(SCENARIO, "acuvim_11", Options(kilowatts=True))
    in_w, in_kw = floats(watts, 0x3000, 30, 25.0), floats(kilowatts, 0x3000, 30, 25.0)
    assert [value * 1000 for value in in_kw[14:26]] == [near(value) for value in in_w[14:26]]
    assert in_kw[:14] + in_kw[26:] == in_w[:14] + in_w[26:]
    assert floats(kilowatts, 0x3418, 1, 25.0)[0] == near(floats(watts, 0x3418, 1, 25.0)[0] / 1000)


def phasors(meter: Meter, t_s: float) -> list[complex]:
    """Currents against voltage a, from the registers of currents and angles."""
    sizes, tenths = floats(meter, 0x3012, 3, t_s), meter.registers(0x42A0, 5, t_s)
    assert tenths[:2] == [1200, 2400]
    return [cmath.rect(size, -math.radians(angle / 10)) for size, angle in zip(sizes, tenths[2:], strict=True)]


@pytest.mark.parametrize(
    ("options", "order", "signs"),
    [
        pytest.param(Options(), (0, 1, 2), (1, 1, 1), id="well"),
        pytest.param(Options(turned="b"), (0, 1, 2), (1, -1, 1), id="one turned round"),
        pytest.param(Options(exchanged="ac"), (2, 1, 0), (1, 1, 1), id="two exchanged"),
        pytest.param(Options(turned="a", exchanged="ab"), (1, 0, 2), (-1, 1, 1), id="both"),
    ],
)
def test_currents_are_those_of_the_transformers_as_they_are_wired(options, order, signs):
    t_s = 25.0
    right, wrong = phasors(METER, t_s), phasors(Meter(SCENARIO, "acuvim_11", options), t_s)
    powers = floats(Meter(SCENARIO, "acuvim_11", options), 0x301C, 3, t_s)
    volts = [cmath.rect(size, -math.radians(120 * n)) for n, size in enumerate(floats(METER, 0x3002, 3, t_s))]

    wanted = [sign * right[n] for n, sign in zip(order, signs, strict=True)]
    assert [abs(one - other) for one, other in zip(wrong, wanted, strict=True)] == pytest.approx([0] * 3, abs=0.05)
    products = [(v * i.conjugate()).real for v, i in zip(volts, wanted, strict=True)]
    assert powers == [pytest.approx(product, abs=15) for product in products]


def test_energy_counts_tenths_of_a_kilowatt_hour_since_the_epoch():
    import_p, export_p, import_q, _, total_p, net_p, _, _, apparent = counters(METER, 0x4048, 9, DAY_S)
    truth_wh = SCENARIO.energy_wh("acuvim_11", 0, DAY_S)
    assert truth_wh - 102 <= import_p * 100 <= truth_wh
    assert (export_p, total_p, net_p) == (0, import_p, import_p)
    assert import_p**2 + import_q**2 == pytest.approx(apparent**2, rel=1e-2)
    assert counters(METER, 0x4048, 9, -5.0) == [0] * 9


def test_phase_energies_add_up_to_the_whole():
    phases = counters(METER, 0x4620, 15, DAY_S)
    whole = counters(METER, 0x4048, 1, DAY_S)[0]
    assert sum(phases[0:6:2]) == pytest.approx(whole, abs=3)
    assert [part / whole for part in phases[0:6:2]] == pytest.approx(SHARES, abs=0.01)
    assert phases[1:12:2] == [0] * 6


def test_angles_are_those_of_three_phases_in_order_with_their_power_factor():
    v_b, v_c, *currents = (angle / 10 for angle in METER.registers(0x42A0, 5, 10.0))
    factor = floats(METER, 0x303A, 1, 10.0)[0]
    assert (v_b, v_c) == (120, 240)
    lags = [(current - voltage) % 360 for current, voltage in zip(currents, (0, v_b, v_c), strict=True)]
    assert [math.cos(math.radians(lag)) for lag in lags] == [pytest.approx(factor, abs=0.002)] * 3


def test_demand_is_the_mean_of_the_last_quarter_of_an_hour():
    t_s = 5000.0
    assert floats(METER, 0x4042, 1, t_s)[0] == pytest.approx(4 * SCENARIO.energy_wh("acuvim_11", 4100, 5000), rel=0.01)


def test_identity_registers_name_maker_model_and_one_serial_number():
    assert ascii_at(METER, 0xC350, 2) == "SunS"
    assert ascii_at(METER, 0xC354, 16) == "Accuenergy"
    assert ascii_at(METER, 50036, 8) == "IIR"
    assert METER.registers(50068, 2, 0) == [1, 203]
    assert ascii_at(METER, 50052, 16) == ascii_at(METER, 0xF040, 6) == "AH2400000011"
    assert ascii_at(Meter(SCENARIO, "acuvim_12"), 0xF040, 6) == "AH2400000012"


@pytest.mark.parametrize(("address", "count"), [(0x2FFF, 2), (0x3044, 1), (0x3000, 69), (0x0000, 1), (0xFFFF, 1)])
def test_registers_that_a_meter_lacks_are_an_error(address, count):
    with pytest.raises(LookupError):
        METER.registers(address, count, 0)
