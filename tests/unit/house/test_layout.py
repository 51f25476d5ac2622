"""Rules of the house that a reader cannot see at a glance."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.cache import REPO

SHIPPED = ("roles", "playbooks", "plugins", "files")
DEVELOPMENT = ("simulators", "tests")


def tracked(*folders: str) -> list[Path]:
    """Files that git tracks or would track below the folders (all of the house without any)."""
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders], cwd=REPO, text=True
    )
    return [REPO / name for name in listed.splitlines() if (REPO / name).is_file()]


def texts(*folders: str) -> list[tuple[str, str]]:
    """Name and text of each text file below the folders."""
    found = []
    for path in tracked(*folders):
        try:
            found.append((str(path.relative_to(REPO)), path.read_text()))
        except UnicodeDecodeError:
            continue
    return found


def imports(text: str) -> set[str]:
    """The top packages that a Python text imports."""
    return set(re.findall(r"^\s*(?:from|import)\s+(\w+)", text, re.MULTILINE))


def test_nothing_shipped_imports_simulators_or_tests():
    offenders = [
        name
        for name, text in texts(*SHIPPED)
        # The event service's own tests lie beside it and do not ship: its image leaves them out.
        if name.endswith(".py") and not name.startswith("files/event_service/tests/") and imports(text) & {*DEVELOPMENT}
    ]

    assert offenders == []


def test_no_role_or_playbook_names_a_path_of_simulators_or_tests():
    offenders = [
        name for name, text in texts("roles", "playbooks", "plugins") if re.search(r"\b(simulators|tests)/", text)
    ]

    assert offenders == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("import simulators.gx", id="import"),
        pytest.param("from tests.lab import rig", id="from import"),
        pytest.param("def f():\n    from simulators import scenario", id="import inside a function"),
    ],
)
def test_the_import_rule_can_fail(text):
    assert imports(text) & {*DEVELOPMENT}


def configured_indexes() -> set[str]:
    """The hosts that this machine's own package clients are set up with."""
    answers = [
        _answer("apt-get", "indextargets", "--format", "$(SITE)"),
        _answer("go", "env", "GOPROXY", "GOSUMDB"),
        _answer("npm", "config", "get", "registry"),
        _answer(sys.executable, "-m", "pip", "config", "list"),
    ]
    return {host for answer in answers for host in re.findall(r"https?://([\w.-]+\.[a-z]+)", answer)}


def _answer(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPO).stdout
    except FileNotFoundError:
        return ""


def test_no_package_index_is_named():
    """Clients use the index that the machine has configured; a name in here would bind the project to one."""
    hosts = configured_indexes()
    offenders = [(name, host) for name, text in texts() for host in hosts if host in text]

    assert hosts
    assert offenders == []


def test_every_part_of_the_code_map_exists():
    """ARCHITECTURE.md points only at folders and files that are there."""
    text = (REPO / "ARCHITECTURE.md").read_text()
    section = text.split("## Code map", 1)[1].split("\n## ", 1)[0]
    first_column = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = [path for cell in first_column for path in re.findall(r"`([\w./-]+)`", cell)]
    known_below_tests = {"integration": "tests/integration", "e2e": "tests/e2e", "bench": "tests/bench"}

    missing = [path for path in named if not (REPO / known_below_tests.get(path, path)).exists()]

    assert named
    assert missing == []
