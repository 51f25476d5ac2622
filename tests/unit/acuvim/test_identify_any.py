"""Properties of a judgement: any load of any family is known, any other registers are not, and nothing breaks it."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.identify import METER, OTHER, PROBABLE, identify
from hypothesis import given
from hypothesis import strategies as some

from tests.unit.acuvim.images import acuvim, acuvim3, image, kilo, legacy_l, load

LOADS = some.builds(
    load,
    volts=some.floats(50, 690),
    amperes=some.floats(0.1, 5000),
    factor=some.floats(0.05, 1) | some.floats(-1, -0.05),
    hertz=some.floats(45.1, 64.9),
)
ORDERS = some.sampled_from(["ABCD", "CDAB"])
FAMILIES = {
    "acuvim2": lambda values, order: acuvim(values, None, order).words,
    "acuvim_l": legacy_l,
    "acuvim3": acuvim3,
}
# First register and length of what is judged without identity registers.
JUDGED = {0x3000: 60, 0x4000: 60, 0x2114: 68, 0x0600: 60}
ODD = some.sampled_from([0.0, -0.0, 1.0, 60.0, 230.0, 1e-38, 3e38, float("nan"), float("inf"), float("-inf")])


@pytest.mark.parametrize("family", FAMILIES)
@given(values=LOADS, order=ORDERS, in_kilowatts=some.booleans())
def test_any_load_is_a_meter_with_its_word_order_and_unit(family, values, order, in_kilowatts):
    found = identify(image(FAMILIES[family](kilo(values) if in_kilowatts else values, order)))

    assert (found.verdict, found.family, found.word_order) == (METER, family, order)
    assert found.power_scale == (1000.0 if in_kilowatts else 1.0)


@given(some.fixed_dictionaries({}, optional={
    block: some.lists(some.integers(0, 0xFFFF), min_size=size, max_size=size) for block, size in JUDGED.items()
}))  # fmt: skip
def test_any_registers_are_no_meter_and_the_reason_is_given(blocks):
    found = identify(image(blocks))

    assert found.verdict in (OTHER, PROBABLE)
    assert all(found.evidence)


@given(some.sampled_from(sorted(JUDGED)), some.lists(ODD, min_size=34, max_size=34))
def test_odd_numbers_are_no_meter_and_break_nothing(block, numbers):
    words = struct.unpack(">68H", struct.pack(">34f", *numbers))

    assert identify(image({block: words[: JUDGED[block]]})).verdict in (OTHER, PROBABLE)
