"""The page of published series says what is published."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.ovr.edge.plugins.module_utils.acuvim import metrics, registers

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "acuvim.md").read_text()


def documented() -> dict[str, str]:
    """Series → unit, of the tables that have one."""
    rows = re.findall(r"^\| (`acuvim_[^|{]*) \| (\w+) \|", PAGE, re.MULTILINE)
    return {name: unit for names, unit in rows for name in re.findall(r"`(\w+)`", names)}


def test_every_polled_field_is_documented_with_its_unit():
    fields = (*registers.LIVE_FIELDS, *registers.ENERGY_FIELDS)

    assert documented() == {f"acuvim_{field.name}": field.unit for field in fields}


def test_every_metric_of_the_discovery_is_documented():
    written = set(re.findall(r"^# TYPE (\w+)", metrics.text([], 0, 0), re.MULTILINE))

    assert written == set(re.findall(r"^\| `(acuvim_(?:info|discovery_\w+))", PAGE, re.MULTILINE))
