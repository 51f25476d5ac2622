"""The page of promises is complete, readable, and every proof on it exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import seed_table
from tests.seed_table import PARTS, SeedTableError

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "reference" / "seed.md"
ITEMS = Path(__file__).parent / "data" / "seed_items.txt"
TEST_FOLDERS = ("tests", "files/event_service/tests", "molecule/site/tests")


@pytest.fixture(scope="module")
def table():
    return seed_table.parse(PAGE.read_text())


@pytest.fixture(scope="session")
def collected():
    """The ids of all tests of the repository, of every marker, without their parameters."""
    folders = [folder for folder in TEST_FOLDERS if (REPO / folder).is_dir()]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *folders]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=False, timeout=200)
    errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR")]
    assert done.returncode == 0, f"pytest cannot collect all tests: {errors}"
    return set(re.findall(r"^([^\s\[]+\.py::[^\s\[]+)", done.stdout, re.MULTILINE))


def test_every_item_of_the_original_has_a_row(table):
    assert seed_table.uncovered(table, seed_table.read_items(ITEMS.read_text())) == []


def test_every_proof_is_a_test_that_pytest_collects(table, collected):
    assert "tests/unit/test_seed_table.py::test_every_proof_is_a_test_that_pytest_collects" in collected
    assert seed_table.unknown_tests(table, collected) == []


def test_no_row_of_a_done_part_is_open(table):
    assert seed_table.open_in_done(table) == []


def test_no_promise_stands_twice(table):
    promises = [(row.part, row.promise) for row in table.rows]

    assert [promise for promise in promises if promises.count(promise) > 1] == []


def section(part: str, row: str = "| `a` | file | open |", status: str = "Status: open") -> str:
    return f"## {part}\n{status}\n\n| promise | kind | proof |\n|---|---|---|\n{row}\n\n"


def page(row: str = "| `a` | file | open |", status: str = "Status: open") -> str:
    """A page with every part; `row` is its line 6, in the first one, which has `status`."""
    return section(PARTS[0], row, status) + "".join(section(part) for part in PARTS[1:])


PART = section(PARTS[0])


def test_a_row_gives_part_promise_kind_and_proof():
    proof = "`tests/x.py::test_a`, `tests/y.py::T::test_b`"
    row = seed_table.parse(page(rf"| `ls \| wc` counts | command | {proof} |")).rows[0]

    assert (row.line, row.part, row.promise, row.kind) == (6, "stack", "`ls | wc` counts", "command")
    assert row.code == {"ls | wc"}
    assert row.tests == ["tests/x.py::test_a", "tests/y.py::T::test_b"]
    assert not row.is_open


def test_a_deviation_may_name_the_test_of_what_does_the_job():
    row = seed_table.parse(page("| `a` | file | deviates: The role does it, see `tests/x.py::test_a`. |")).rows[0]

    assert row.tests == ["tests/x.py::test_a"]
    assert not row.is_open


@pytest.mark.parametrize(
    ("row", "remedy"),
    [
        pytest.param("| `a` | files | open |", "use one of command, endpoint", id="unknown kind"),
        pytest.param("| `a | b` | file | open |", r"write \| for a bar within a cell", id="bar in a cell"),
        pytest.param("| `a` | file |", "a row is '| promise | kind | proof |'", id="column missing"),
        pytest.param("|  | file | open |", "quote the original", id="no promise"),
        pytest.param("| `a` | file | |", "nor 'open'", id="no proof"),
        pytest.param("| `a` | file | tests/x.py::test_a |", "nor 'open'", id="test not in code type"),
        pytest.param("| `a` | file | `tests/x.py::test_a[1]` |", "nor 'open'", id="test with parameters"),
        pytest.param("| `a` | file | deviates: |", "one whole sentence", id="deviation without reason"),
        pytest.param("| `a` | file | deviates: not needed |", "one whole sentence", id="reason is no sentence"),
        pytest.param("| `a` | file | deviates: It is so. It is. |", "one whole sentence", id="two sentences"),
    ],
)
def test_a_bad_row_is_refused_with_line_and_remedy(row, remedy):
    with pytest.raises(SeedTableError) as refusal:
        seed_table.parse(page(row))

    assert str(refusal.value).startswith("seed.md:6: ")
    assert remedy in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(page(status="Status: finished"), "seed.md:2: the line under a heading says", id="unknown status"),
        pytest.param(page(status=""), "seed.md:2: the line under a heading says", id="no status"),
        pytest.param("## stack", "seed.md:2: the line under a heading says", id="heading at the end"),
        pytest.param("| `a` | file | open |", "seed.md:1: a row stands above the first section", id="row without part"),
        pytest.param("## extras", "seed.md:1: 'extras' is no part; use one of stack", id="unknown part"),
        pytest.param(PART + PART, "seed.md:8: part 'stack' comes twice", id="part twice"),
        pytest.param(PART, "seed.md:7: no rows for storage, gx", id="parts missing"),
        pytest.param(page(row=""), "no rows for stack; every part has a section with rows", id="part without rows"),
    ],
)
def test_a_bad_section_is_refused_with_line_and_remedy(text, message):
    with pytest.raises(SeedTableError) as refusal:
        seed_table.parse(text)

    assert message in str(refusal.value)


def test_a_proof_that_pytest_does_not_collect_is_named():
    table = seed_table.parse(page("| `a` | file | `tests/x.py::test_a`, `tests/x.py::test_b` |"))

    assert seed_table.unknown_tests(table, {"tests/x.py::test_a"}) == ["seed.md:6: no test tests/x.py::test_b"]


def test_an_open_row_of_a_done_part_is_named():
    assert seed_table.open_in_done(seed_table.parse(page(status="Status: done"))) == ["seed.md:6: `a`"]


@pytest.mark.parametrize(
    ("item", "found"),
    [
        pytest.param(("file", "a"), [], id="covered"),
        pytest.param(("file", "c"), ["file c"], id="no row"),
        pytest.param(("path", "a"), ["path a"], id="row of another kind"),
    ],
)
def test_an_item_without_a_row_of_its_kind_is_named(item, found):
    assert seed_table.uncovered(seed_table.parse(page()), [item]) == found


def test_items_stand_under_the_heading_of_their_kind():
    text = "# words\n\n[command]\nls | wc\n[path]\n/etc\n/opt"

    assert seed_table.read_items(text) == [("command", "ls | wc"), ("path", "/etc"), ("path", "/opt")]
