"""The table of docs/reference/seed.md: what the original system promised and what proves it here.

Everything is a function of the text; tests/unit/test_seed_table.py reads the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

KINDS = ("command", "endpoint", "file", "path", "variable", "default", "query", "behaviour")
PARTS = (
    "stack",
    "storage",
    "gx",
    "acuvim",
    "events",
    "reports",
    "network",
    "cloudflared",
    "tailscale",
    "logs",
    "grafana",
    "frontend",
    "images",
    "map tiles",
    "cloud",
    "health",
    "docs",
    "releases",
)
COLUMNS = ["promise", "kind", "proof"]
STATUSES = ("open", "done")
TEST_ID = r"`[^`\s\[]+\.py::[^`\s\[]+`"


class SeedTableError(ValueError):
    """The table cannot be read: line, what is wrong and the remedy."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"seed.md:{line}: {problem}")


@dataclass(frozen=True)
class Row:
    """One promise; `proof` is `open`, `deviates: sentence` or test ids in code type."""

    line: int
    part: str
    promise: str
    kind: str
    proof: str

    @property
    def is_open(self) -> bool:
        return self.proof == "open"

    @property
    def code(self) -> set[str]:
        """What the promise says in code type: the words of the original."""
        return set(re.findall(r"`([^`]+)`", self.promise))

    @property
    def tests(self) -> list[str]:
        """The test ids of the proof; a deviation may name the test of what does the job instead."""
        return [found.strip("`") for found in re.findall(TEST_ID, self.proof)]


@dataclass(frozen=True)
class Table:
    """All rows, and the parts whose status is done."""

    rows: list[Row]
    done: set[str]


def parse(text: str) -> Table:
    """Read the table; raises SeedTableError at the first line that is not as the page describes."""
    rows: list[Row] = []
    status: dict[str, str] = {}
    part = ""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("## "):
            part = _part(number, line, status)
            status[part] = _status(number + 1, lines[number : number + 1])
        elif line.startswith("|"):
            cells = _cells(number, line)
            if cells != COLUMNS and not _is_rule(cells):
                rows.append(_row(number, part, cells))
    _check_parts(len(lines), {row.part for row in rows})
    return Table(rows, {part for part in status if status[part] == "done"})


def unknown_tests(table: Table, known: set[str]) -> list[str]:
    """The proofs that name a test which pytest does not collect."""
    return [f"seed.md:{row.line}: no test {test}" for row in table.rows for test in row.tests if test not in known]


def open_in_done(table: Table) -> list[str]:
    """The open rows of parts whose status says that there is none."""
    return [f"seed.md:{row.line}: {row.promise}" for row in table.rows if row.is_open and row.part in table.done]


def uncovered(table: Table, items: Iterable[tuple[str, str]]) -> list[str]:
    """The items, each a kind and its words, that no row of that kind has in code type."""
    promised = {(row.kind, words) for row in table.rows for words in row.code}
    return [f"{kind} {words}" for kind, words in items if (kind, words) not in promised]


def read_items(text: str) -> list[tuple[str, str]]:
    """Kind and words of each item in a list with `[kind]` headings and `#` comments."""
    items = []
    kind = ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            kind = heading[1]
        elif line and not line.startswith("#"):
            items.append((kind, line))
    return items


def _part(number: int, line: str, seen: Iterable[str]) -> str:
    part = line.removeprefix("## ").strip()
    if part not in PARTS:
        raise SeedTableError(number, f"{part!r} is no part; use one of {', '.join(PARTS)}")
    if part in seen:
        raise SeedTableError(number, f"part {part!r} comes twice; move its rows into one section")
    return part


def _status(number: int, following: list[str]) -> str:
    match = re.fullmatch(r"Status: (\w+)", following[0]) if following else None
    if not match or match[1] not in STATUSES:
        raise SeedTableError(number, "the line under a heading says 'Status: open' or 'Status: done'")
    return match[1]


def _cells(number: int, line: str) -> list[str]:
    cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())]
    if len(cells) != len(COLUMNS) + 2 or cells[0] or cells[-1]:
        raise SeedTableError(number, r"a row is '| promise | kind | proof |'; write \| for a bar within a cell")
    return cells[1:-1]


def _is_rule(cells: list[str]) -> bool:
    return all(re.fullmatch("-+", cell) for cell in cells)


def _row(number: int, part: str, cells: list[str]) -> Row:
    promise, kind, proof = cells
    if not part:
        raise SeedTableError(number, "a row stands above the first section; move it under a part")
    if not promise:
        raise SeedTableError(number, "the promise is empty; quote the original")
    if kind not in KINDS:
        raise SeedTableError(number, f"kind {kind!r} is unknown; use one of {', '.join(KINDS)}")
    _check_proof(number, proof)
    return Row(number, part, promise, kind, proof)


def _check_proof(number: int, proof: str) -> None:
    if proof.startswith("deviates:"):
        if not _is_sentence(proof.removeprefix("deviates:").strip()):
            raise SeedTableError(
                number, f"a deviation gives its reason as one whole sentence, names in code type: {proof!r}"
            )
    elif proof != "open" and not re.fullmatch(rf"{TEST_ID}(, {TEST_ID})*", proof):
        raise SeedTableError(number, f"proof {proof!r} is neither `file.py::test`, 'deviates: reason' nor 'open'")


def _is_sentence(reason: str) -> bool:
    words = re.sub(r"`[^`]*`", "Code", reason)
    return bool(re.fullmatch(r"[A-Z][^.!?]*\.", words)) and len(words.split()) >= 4


def _check_parts(last_line: int, parts: set[str]) -> None:
    if missing := [part for part in PARTS if part not in parts]:
        raise SeedTableError(last_line, f"no rows for {', '.join(missing)}; every part has a section with rows")
