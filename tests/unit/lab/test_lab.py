"""The lab's pure parts: what is cached by what, what a recap says, what a skip list allows."""

from __future__ import annotations

import pytest

from tests import skips
from tests.lab import cache, deploy, tools


def test_a_cache_key_follows_content_and_not_place(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("same")

    assert cache.key([tmp_path / "one"]) == cache.key([tmp_path / "two"])
    (tmp_path / "two" / "file").write_text("other")
    assert cache.key([tmp_path / "one"]) != cache.key([tmp_path / "two"])


def test_a_cache_key_keeps_its_parts_apart():
    assert cache.key(["ab", "c"]) != cache.key(["a", "bc"])


@pytest.mark.parametrize("tool", tools.TOOLS.values(), ids=lambda tool: tool.module)
def test_versions_are_read_from_go_mod(tool):
    text = (tools.MODULES / tool.module / "go.mod").read_text()

    assert f"{tool.version_of} {tools.version(tool)}" in text


def test_a_recap_is_counted():
    output = "PLAY RECAP ****\nrig-01 : ok=41   changed=7    unreachable=0    failed=0    skipped=3\n"

    assert deploy.recap(output) == {"ok": 41, "changed": 7, "unreachable": 0, "failed": 0, "skipped": 3}


def test_output_without_a_recap_is_an_error():
    with pytest.raises(ValueError, match="no play recap"):
        deploy.recap("ERROR! the playbook could not be found")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("# comment\n\n", set(), id="comments and blank lines"),
        pytest.param("tests/a.py::test_x\tno netem here\ta kernel with netem\n", {"tests/a.py::test_x"}, id="one"),
    ],
)
def test_allowed_skips_are_read(text, expected):
    assert skips.allowed(text) == expected


@pytest.mark.parametrize("line", ["tests/a.py::test_x", "tests/a.py::test_x\treason\t"], ids=["no reason", "no remedy"])
def test_a_skip_needs_reason_and_remedy(line):
    with pytest.raises(ValueError, match=r"allowed_skips\.txt:1"):
        skips.allowed(line)
