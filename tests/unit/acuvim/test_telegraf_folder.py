"""Files go into Telegraf's folder whole, checked, or not at all."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.telegraf import Folder

REFUSE = (sys.executable, "-c", "import sys; sys.exit('line 3: no such key')")
OLD = {"acuvim_11.conf": "old 11", "acuvim_12.conf": "old 12", "mine.conf": "mine"}
NEW = {"acuvim_11.conf": "new 11", "acuvim_13.conf": "new 13"}


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path / "telegraf.d", tmp_path / "staging")
    made.watched.mkdir()
    made.staging.mkdir()
    for name, content in OLD.items():
        (made.watched / name).write_text(content)
    return made


def with_check(folder: Folder, *command: str) -> Folder:
    return Folder(folder.watched, folder.staging, command)


def content(folder: Folder) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.watched.iterdir()}


def test_the_difference_names_what_is_added_changed_and_removed(folder):
    files = folder.difference(NEW)

    assert (files.added, files.changed, files.removed) == (["acuvim_13.conf"], ["acuvim_11.conf"], ["acuvim_12.conf"])


def test_the_same_files_are_no_difference(folder):
    assert not folder.difference({name: text for name, text in OLD.items() if name != "mine.conf"})


def polls(controller: str, *units: int) -> str:
    requests = "".join(f"[[inputs.modbus.request]]\nslave_id = {unit}\n" for unit in units)
    return f'[[inputs.modbus]]\ncontroller = "{controller}"\n{requests}'


@pytest.mark.parametrize(
    ("mine", "wanted", "says"),
    [
        pytest.param(
            polls("tcp://10.10.4.11:502", 1), {"acuvim_11.conf": polls("tcp://10.10.4.11:502", 1)},
            "mine.conf and acuvim_11.conf would both poll tcp://10.10.4.11:502 unit 1", id="one more by hand",
        ),
        pytest.param(
            "", {f"acuvim_1{n}.conf": polls("tcp://10.10.4.11:502", 1) for n in (1, 2)},
            "acuvim_11.conf and acuvim_12.conf would both poll", id="by a template that names one address",
        ),
    ],
)  # fmt: skip
def test_two_files_for_one_meter_are_refused(folder, mine, wanted, says):
    (folder.watched / "mine.conf").write_text(mine)

    with pytest.raises(AcuvimError, match=says):
        folder.difference(wanted)


@pytest.mark.parametrize(
    "mine",
    [polls("tcp://10.10.4.11:502", 2), polls("tcp://10.10.4.12:502", 1), "[[inputs.modbus]]\nslave_id = 1\n", "a [ b"],
    ids=["another unit", "another meter", "a serial line", "no TOML"],
)
def test_other_inputs_beside_ours_are_fine(folder, mine):
    (folder.watched / "mine.conf").write_text(mine)
    twice_in_one = polls("tcp://10.10.4.11:502", 1) * 2

    assert folder.difference({"acuvim_11.conf": twice_in_one}).changed == ["acuvim_11.conf"]


def test_the_difference_is_carried_out_and_foreign_files_stay(folder):
    folder.place(folder.difference(NEW))

    assert content(folder) == {**NEW, "mine.conf": "mine"}
    assert not folder.difference(NEW)
    assert stat.S_IMODE((folder.watched / "acuvim_13.conf").stat().st_mode) == 0o644


def test_a_removed_file_is_kept_beside(folder):
    folder.place(folder.difference({}))

    assert (folder.staging / "removed" / "acuvim_12.conf").read_text() == "old 12"


def test_restoring_brings_every_file_back(folder):
    files = folder.difference(NEW)
    folder.place(files)
    folder.restore(files)

    assert content(folder) == OLD


@pytest.mark.parametrize("word", ["{path}", "{run}"])
def test_the_check_sees_the_whole_result_beside_the_folder(folder, tmp_path, word):
    seen = tmp_path / "seen"
    root = "" if word == "{path}" else f"{folder.staging}/"
    script = f"import os, sys; open({str(seen)!r}, 'w').write(' '.join(sorted(os.listdir({root!r} + sys.argv[1]))))"

    with_check(folder, sys.executable, "-c", script, word).place(folder.difference(NEW))

    assert seen.read_text() == "acuvim_11.conf acuvim_13.conf mine.conf"


def test_a_refused_set_changes_nothing_and_says_what_was_said(folder):
    with pytest.raises(AcuvimError, match=r"nothing was changed[\s\S]*line 3: no such key"):
        with_check(folder, *REFUSE).place(folder.difference(NEW))

    assert content(folder) == OLD
    assert list(folder.staging.iterdir()) == []


def test_a_check_that_cannot_run_changes_nothing(folder):
    with pytest.raises(AcuvimError, match="could not check"):
        with_check(folder, "/nowhere/telegraf").place(folder.difference(NEW))

    assert content(folder) == OLD


def test_what_a_killed_run_left_is_swept(folder):
    (folder.staging / "run-killed").mkdir()
    (folder.staging / "run-killed" / "acuvim_11.conf").write_text("half")

    folder.place(folder.difference(NEW))

    assert [path.name for path in folder.staging.iterdir()] == ["removed"]


@pytest.mark.parametrize("missing", ["watched", "staging"])
def test_a_missing_folder_is_named(folder, missing):
    path: Path = getattr(folder, missing)
    files = folder.difference(NEW)
    path.rename(path.with_name("gone"))

    with pytest.raises(AcuvimError, match=f"{path}: no such folder"):
        folder.place(files)
