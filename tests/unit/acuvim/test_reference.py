"""The page of published series says what is published."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.ovr.edge.plugins.module_utils.acuvim import families, metrics

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "acuvim.md").read_text()


def documented() -> dict[str, str]:
    """Series → unit, of the tables that have one."""
    rows = re.findall(r"^\| (`acuvim_[^|{]*) \| (\w+|%) \|", PAGE, re.MULTILINE)
    return {name: unit for names, unit in rows for name in re.findall(r"`(\w+)`", names)}


def test_every_polled_field_is_documented_with_its_unit():
    parts = [
        [*family.live_fields, *(field for part in (family.energy, family.demand, family.thd) for field in part.fields)]
        for family in families.FAMILIES
        if family.is_polled
    ]

    published = {field.name: field.unit for fields in parts for field in fields if not field.is_filler}
    assert documented() == {f"acuvim_{name}": unit for name, unit in published.items()}


def test_every_metric_of_the_discovery_is_documented():
    written = set(re.findall(r"^# TYPE (\w+)", metrics.text([], 0, 0, {}), re.MULTILINE))

    assert written == set(
        re.findall(r"^\| `(acuvim_(?:info|discovery_\w+|wiring_\w+|quality_\w+))", PAGE, re.MULTILINE)
    )
