"""A folder that appears whole or not at all, also when the power fails."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from event_service.reports.model import ReportError

PARTIAL = ".partial-"


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Make `out` with these files. Raises ReportError if it exists already or cannot be written.

    What a killed run leaves beside it starts with `PARTIAL` and may be deleted.
    """
    if out.exists():
        raise ReportError(f"{out} exists: a version of a report is never overwritten. Ask for the next version.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=out.parent))
    except OSError as error:
        raise ReportError(f"{out.parent} cannot be written ({error.strerror}). Check REPORTS_PATH.") from error
    try:
        _fill(partial, files)
        partial.rename(out)
        _sync(out.parent)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ReportError(f"{out} could not be written: {error.strerror}. Free some space, try again.") from error


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.chmod(0o755)
    for name, content in files.items():
        with (folder / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
