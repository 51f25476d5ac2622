"""docs/reference/metrics.md is what the maps and the program say now, and can be read."""

from __future__ import annotations

import csv
import re

import pytest

from tests import metrics_page
from tests.unit.gx.exporter import MAPS, PROGRAM

PAGE = metrics_page.PAGE.read_text()


def test_page_is_not_stale():
    assert metrics_page.text() == PAGE, f"run: {metrics_page.COMMAND}"


def _map_lines(file) -> list[list[str]]:
    lines = csv.reader(file.read_text().splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [cells for cells in lines if cells and not cells[0].startswith("#")]


@pytest.mark.parametrize(("view", "rate"), [("fast", "0.5 s"), ("slow", "5 s")])
def test_every_line_of_the_maps_is_found_with_class_path_unit_rate_and_meaning(view, rate):
    lines = [line for line in PAGE.splitlines() if line.startswith("| `victron_")]
    for service, path, pretty, _, name, _, _, kind, unit, _, poll, meaning in _map_lines(MAPS[view]):
        series = pretty.replace("{phase}", "l{1-3}")
        parts = [
            f"| `{series}` | {kind} |",
            "| |" if unit == "-" else f"| {unit} |",
            name,
            service.split(".")[2],
            f"`{re.sub('{[a-z_]+}', '*', path)}`",
            f"| {rate}",
            ", polled |" if poll == "poll" else " |",
            f"| {meaning} |",
        ]
        assert [line for line in lines if all(part in line for part in parts)], (view, pretty, path)


def test_every_metric_that_the_program_names_about_itself_is_there():
    named = set(re.findall(r"\bstat\(\s*\"(\w+)\"", PROGRAM.read_text()))
    assert len(named) > 10
    assert named == set(re.findall(r"^\| `dbus2prom_(\w+)` \|", PAGE, re.MULTILINE))


def test_tables_have_as_many_cells_in_every_line():
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table.splitlines()[0]
