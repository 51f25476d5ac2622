"""A report's folder appears whole or not at all."""

from __future__ import annotations

import pytest

from event_service.reports import folder
from event_service.reports.folder import PARTIAL, write_folder
from event_service.reports.model import ReportError


def test_it_holds_the_files_and_leaves_nothing_beside(tmp_path):
    write_folder(tmp_path / "new" / "report", {"a.txt": b"one", "b.txt": b"two"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "new" / "report").iterdir()} == {
        "a.txt": b"one",
        "b.txt": b"two",
    }
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report"]


def test_it_overwrites_nothing(tmp_path):
    write_folder(tmp_path / "report", {"a.txt": b"one"})
    with pytest.raises(ReportError, match="never overwritten"):
        write_folder(tmp_path / "report", {"a.txt": b"two"})
    assert (tmp_path / "report" / "a.txt").read_bytes() == b"one"


def test_a_full_disk_leaves_no_half_report(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder.os, "fsync", full)
    with pytest.raises(ReportError, match="No space left"):
        write_folder(tmp_path / "report", {"a.txt": b"one"})
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportError, match="REPORTS_PATH"):
        write_folder(tmp_path / "file" / "report", {"a.txt": b"one"})


def test_what_a_killed_run_leaves_is_known_by_its_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(folder, "_fill", lambda partial, _files: seen.append(partial.name))
    write_folder(tmp_path / "report", {})
    assert seen[0].startswith(PARTIAL)
