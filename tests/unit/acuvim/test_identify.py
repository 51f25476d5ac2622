"""What is a meter and what is not, from register images alone."""

from __future__ import annotations

import math
import struct

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.identify import (
    METER,
    OTHER,
    PROBABLE,
    SILENT,
    UNSUPPORTED,
    identify,
)
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.probe import Image

from tests.unit.acuvim.images import (
    DEAD,
    acudc,
    acurev_1310,
    acurev_2100,
    acuvim,
    acuvim3,
    fast_read,
    image,
    kilo,
    legacy_l,
    live,
    load,
    sunspec,
    text,
    words,
)

# Two phases of 120 V, 240 V between them, and no third.
SPLIT_PHASE = load(
    **{"Vb": 120, "Vc": 0, "Vab": 240, "Vbc": 120, "Vca": 120, "Ib": 10, "Ic": 0, "Pb": 1080, "Pc": 0, "P": 2160},
    **{"Sb": 1200, "Sc": 0, "S": 2400},
)


SINGLE_PHASE = load(
    **dict.fromkeys(("Vb", "Vc", "Vab", "Vbc", "Vca", "Ib", "Ic", "Pb", "Pc", "Sb", "Sc"), 0),
    **{"P": 1080, "S": 1200},
)
# 208 V between the lines, 10 A in each.
NO_NEUTRAL = load(
    **dict.fromkeys(("Va", "Vb", "Vc", "Pa", "Pb", "Pc", "Sa", "Sb", "Sc"), 0),
    **{"Vab": 208, "Vbc": 208, "Vca": 208, "Ib": 10, "Ic": 10, "P": 3242.4, "S": 3602.7},
)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(acuvim(load()), id="with SunSpec"),
        pytest.param(acuvim(load(), serial=None), id="without identity registers"),
        pytest.param(acuvim(load(), serial=None, order="CDAB"), id="word-swapped"),
        pytest.param(acuvim(load(volts=277, hertz=50)), id="480 V, 50 Hz"),
        pytest.param(acuvim(load(amperes=0), serial=None), id="voltage without load"),
        pytest.param(acuvim(kilo(load()), serial=None), id="counting in kW"),
        pytest.param(acuvim(load(factor=-0.9), serial=None), id="feeding back"),
        pytest.param(image({0x4000: live(load())}), id="0x4000 only"),
        pytest.param(
            acuvim(load(**dict.fromkeys(("Va", "Vb", "Vc", "Vln", "Pa", "Pb", "Pc"), 0)), serial=None),
            id="wired without a neutral",
        ),
        pytest.param(acuvim(DEAD), id="dead bus, with identity"),
        pytest.param(image({0x3000: live(DEAD), 0xF000: text("CU2", 2)}), id="dead bus, with a model code"),
        pytest.param(acuvim(load(P=1.0)), id="identity, with a sum that is off"),
        pytest.param(
            acuvim(load(Vb=0, Vc=0, Ib=0, Ic=0, Vln=120, Vab=0, Vbc=0, Vca=0, Vll=0, I=10, Pb=0, Pc=0, P=1080, S=1200)),
            id="one phase wired, averages over what is there",
        ),
    ],
)
def test_a_meter(seen):
    assert identify(seen).verdict == METER


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(image({}), id="refuses everything"),
        pytest.param(image({0x3000: range(0x3000, 0x303C)}), id="registers that hold their own address"),
        pytest.param(image({0x3000: [0x4248] * 60}), id="every register 0x4248: 50 Hz, 50 V, 50 A"),
        pytest.param(image({0x3000: words(bytes.fromhex("43660000") * 30)}), id="a PLC full of 230.0"),
        pytest.param(image({0x3000: live(load(Vln=150))}), id="an average that is none"),
        pytest.param(image({0x3000: live(load(P=9999))}), id="a sum that is none"),
        pytest.param(image({0x3000: live(load(PF=0.2))}), id="a power factor that is none"),
        pytest.param(image({0x3000: live(load(hertz=400))}), id="400 Hz"),
        pytest.param(image({0x3000: live(load(Va=math.nan))}), id="not a number"),
        pytest.param(image({0x3000: live(load(Ia=math.inf))}), id="infinite"),
        pytest.param(image({0x3000: [(n * 40503 + 12345) % 65536 for n in range(60)]}), id="noise"),
        pytest.param(image({0x3000: live(load()), 0xC350: sunspec(maker="SMA")}), id="a SunSpec inverter"),
        pytest.param(image({0x3400: fast_read(load())}), id="an unknown device that answers at 0x3400"),
    ],
)
def test_not_a_meter(seen):
    found = identify(seen)

    assert found.verdict == OTHER
    assert found.evidence


@pytest.mark.parametrize(
    ("blocks", "family", "block", "word_order"),
    [
        pytest.param(legacy_l(load()), "acuvim_l", 0x0600, "ABCD", id="L"),
        pytest.param(legacy_l(load(), "CDAB"), "acuvim_l", 0x0600, "CDAB", id="L, word-swapped"),
        pytest.param(legacy_l(kilo(load())), "acuvim_l", 0x0600, "ABCD", id="L in kW"),
        pytest.param(legacy_l(load(amperes=0)), "acuvim_l", 0x0600, "ABCD", id="L without load"),
        pytest.param(legacy_l(SPLIT_PHASE), "acuvim_l", 0x0600, "ABCD", id="L, split phase"),
        pytest.param(legacy_l(SINGLE_PHASE), "acuvim_l", 0x0600, "ABCD", id="L, one phase"),
        pytest.param(legacy_l(kilo(NO_NEUTRAL)), "acuvim_l", 0x0600, "ABCD", id="L without a neutral, in kW"),
        pytest.param({0x3000: live(DEAD), **legacy_l(load())}, "acuvim_l", 0x0600, "ABCD", id="L, zeros at 0x3000"),
        pytest.param(acuvim3(load()), "acuvim3", 0x2114, "ABCD", id="3"),
        pytest.param(acuvim3(kilo(load()), "CDAB"), "acuvim3", 0x2114, "CDAB", id="3, word-swapped, in kW"),
        pytest.param({0xC350: sunspec(), **acuvim3(DEAD)}, "acuvim3", 0x2114, "", id="3, dead bus, with identity"),
        pytest.param({0x3000: live(load()), **legacy_l(load())}, "acuvim2", 0x3000, "ABCD", id="CL answers both maps"),
    ],
)
def test_a_meter_is_read_by_the_map_of_its_family(blocks, family, block, word_order):
    found = identify(image(blocks))

    assert (found.verdict, found.family, found.block, found.word_order) == (METER, family, block, word_order)


@pytest.mark.parametrize(
    ("blocks", "named"),
    [
        pytest.param(acurev_2100(load()), "AcuRev 2100", id="AcuRev 2100, by its map"),
        pytest.param(acurev_1310(load()), "AcuRev 1310", id="AcuRev 1310, by its map"),
        pytest.param({0x1000: sunspec(model="AcuRev 1312")}, "AcuRev 1312", id="AcuRev 1310, by its SunSpec block"),
        pytest.param({0x3000: live(load()), 0xC350: sunspec(model="AcuRev 1312")}, "AcuRev 1312", id="and at 0xC350"),
        pytest.param(acudc(), "AcuDC", id="AcuDC"),
        pytest.param({**acudc(), 0x3000: live(DEAD)}, "AcuDC", id="AcuDC, zeros at 0x3000"),
    ],
)
def test_a_meter_that_is_not_supported_is_named(blocks, named):
    found = identify(image(blocks))

    assert (found.verdict, found.block) == (UNSUPPORTED, None)
    assert named in found.evidence[0]


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param({0x0600: legacy_l(load(Vab=120))[0x0600]}, id="a line voltage that is none"),
        pytest.param({0x0600: legacy_l(load(P=1))[0x0600]}, id="a sum that is none"),
        pytest.param({0x0600: legacy_l({**SINGLE_PHASE, "S": 900, "Sa": 900})[0x0600]}, id="one phase, no product"),
        pytest.param({0x0600: legacy_l(load(hertz=0))[0x0600]}, id="no frequency"),
        pytest.param({0x0600: words(bytes.fromhex("43660000") * 30)}, id="full of 230.0"),
        pytest.param({0x2114: acuvim3(load(I=1))[0x2114]}, id="an average that is none"),
        pytest.param(acudc(volts=0), id="direct current that is off"),
        pytest.param({0x0200: words(struct.pack(">3f", 540, 20, 3))}, id="a power that is not V·I"),
    ],
)
def test_a_map_that_does_not_agree_with_itself_is_none(blocks):
    assert identify(image(blocks)).verdict == OTHER


@pytest.mark.parametrize(
    ("values", "registers", "wiring", "ct", "pt", "said"),
    [
        pytest.param(load(), (0, 0, 0, 400, 400, 200, 5), "3LN 3CT", "200/5", "400/400", "CT", id="as delivered"),
        pytest.param(load(), (1, 1, 1, 0, 100, 1, 5), "3LL 2CT", "1/5", "65536/100", "secondary", id="medium voltage"),
        pytest.param(load(), (9, 0, 0, 0, 0, 0, 5), "", "", "", "unreadable", id="what cannot be"),
    ],
)
def test_wiring_and_transformers_are_told(values, registers, wiring, ct, pt, said):
    found = identify(image({0x3000: live(values), 0x1003: registers}))

    assert (found.wiring, found.ct, found.pt) == (wiring, ct, pt)
    assert said in " ".join(found.evidence)


def test_the_sunspec_block_tells_the_wiring_where_the_settings_are_not_read():
    found = identify(image({0x3000: live(load()), 0xC350: sunspec()}))

    assert (found.wiring, found.ct) == ("3LN", "")


def test_values_are_kept_for_who_looks_at_the_wiring():
    found = identify(image({0x3000: live(load(Ib=math.nan)), 0xC350: sunspec(), 0x42A0: (2400, 1200, 1, 2, 3)}))

    assert found.values["Va"] == 120
    assert "Ib" not in found.values
    assert found.values["angle_Vb"] == pytest.approx(240)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(acuvim(DEAD, serial=None), id="all zero: dead bus, or a PLC full of zeros"),
        pytest.param(acuvim({**DEAD, "PF": 1.0}, serial=None), id="all zero, idle power factor 1"),
        pytest.param(image({0xC350: sunspec(), 0x3400: fast_read(load())}), id="identity, fast-read mode on"),
    ],
)
def test_probable_is_no_meter_yet(seen):
    found = identify(seen)

    assert (found.verdict, found.block) == (PROBABLE, None)


def test_fast_read_mode_is_named():
    said = " ".join(identify(image({0xC350: sunspec(), 0x3400: fast_read(load())})).evidence)

    assert "switch its fast-read mode off" in said


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        pytest.param(load(), 1.0, id="W"),
        pytest.param(kilo(load()), 1000.0, id="kW"),
        pytest.param(load(amperes=0.02), 1.0, id="W at 7 VA"),
        pytest.param(load(amperes=0.001), None, id="unsettled below 1 VA"),
        pytest.param(load(amperes=0), None, id="unsettled without load"),
        pytest.param(load(Sa=90, Sb=90, Sc=90), None, id="unsettled when it is neither"),
        pytest.param(load(Va=0, Vb=0, Vc=0, Vln=0, Vll=208), 1.0, id="wired without a neutral"),
    ],
)
def test_power_unit_is_settled_by_apparent_power(values, scale):
    assert identify(acuvim(values)).power_scale == scale


def test_a_meter_is_described_by_its_identity_block():
    found = identify(acuvim(load(), serial="AH24000007", order="CDAB"))

    assert (found.serial, found.model, found.firmware) == ("AH24000007", "Acuvim II IIR", "3.62")
    assert (found.block, found.word_order, found.has_energy) == (0x3000, "CDAB", True)


def test_a_rebranded_meter_is_known_by_its_model_code():
    found = identify(image({0x3000: live(load()), 0xF000: text("CRD", 2), 0xF040: text("EH1234567890", 6)}))

    assert (found.verdict, found.serial, found.model) == (METER, "EH1234567890", "CRD")
    assert "Eaton" in found.evidence[0]


def test_word_order_of_a_dead_bus_is_left_open():
    assert identify(acuvim(DEAD)).word_order == ""


def test_counters_are_polled_only_where_they_answered():
    assert not identify(image({0x3000: live(load())})).has_energy


def test_identity_text_that_would_need_quoting_is_reduced():
    assert identify(acuvim(load(), serial='A"${H}\\1\n2')).serial == "AH12"


def test_silence_says_how():
    found = identify(Image("10.10.4.11", 502, None, silence="connection refused"))

    assert (found.verdict, found.evidence) == (SILENT, ("connection refused",))
