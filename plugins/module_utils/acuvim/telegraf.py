"""Put meter files into Telegraf's watched folder as one transaction.

Telegraf ends at a reload that meets one bad file, and loads anything whose name ends in .conf, half-written
files included. So: the whole result is laid out beside the folder, Telegraf itself checks it, and only then
whole files are renamed in.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import AcuvimError
from .files import sync_folder

OURS = "acuvim_*.conf"
CHECK_TIMEOUT_S = 60


@dataclass(frozen=True)
class Files:
    """The difference between the folder and what it should hold: content by name, None where there is no file."""

    before: Mapping[str, str | None]
    after: Mapping[str, str | None]

    def __bool__(self) -> bool:
        return bool(self.after)

    @property
    def added(self) -> list[str]:
        return sorted(name for name in self.after if self.before[name] is None)

    @property
    def changed(self) -> list[str]:
        return sorted(name for name in self.after if None not in (self.before[name], self.after[name]))

    @property
    def removed(self) -> list[str]:
        return sorted(name for name in self.after if self.after[name] is None)


@dataclass(frozen=True)
class Folder:
    """Telegraf's watched folder, and a staging folder on the same filesystem that is not watched.

    check: the command that proves a set of files. `{run}` in it becomes the name of the folder to check below
    staging, `{path}` its whole path. Empty: files are placed unchecked.
    """

    watched: Path
    staging: Path
    check: Sequence[str] = ()

    def difference(self, wanted: Mapping[str, str]) -> Files:
        """Compare the meter files that are there with those that should be; other files are not ours.

        AcuvimError when two files would poll one meter: Telegraf does not mind, and its values would count twice.
        """
        foreign = {path.name: _read(path) for path in sorted(self.watched.glob("*.conf")) if not path.match(OURS)}
        _refuse_twice({**foreign, **wanted})
        present = {path.name: _read(path) for path in sorted(self.watched.glob(OURS))}
        names = [name for name in {**present, **wanted} if present.get(name) != wanted.get(name)]
        return Files({name: present.get(name) for name in names}, {name: wanted.get(name) for name in names})

    def place(self, files: Files) -> None:
        """Carry the difference out, or raise AcuvimError with the folder as it was."""
        with self._laid_out(files) as run:
            self._check(run)
            self._move(run, files)

    def restore(self, files: Files) -> None:
        """Undo `place`. What was there before has been loaded before: it is not checked again."""
        undo = Files(files.after, files.before)
        with self._laid_out(undo) as run:
            self._move(run, undo)

    @contextmanager
    def _laid_out(self, files: Files) -> Iterator[Path]:
        """The whole folder as it will be, under staging."""
        _must_exist(self.watched)
        _must_exist(self.staging)
        for leftover in self.staging.glob("run-*"):
            shutil.rmtree(leftover)
        run = Path(tempfile.mkdtemp(prefix="run-", dir=self.staging))
        try:
            run.chmod(0o755)
            for path in self.watched.glob("*.conf"):
                if path.name not in files.after:
                    shutil.copyfile(path, run / path.name)
            for name, content in files.after.items():
                if content is not None:
                    _write(run / name, content)
            yield run
        finally:
            shutil.rmtree(run)

    def _check(self, run: Path) -> None:
        if not self.check:
            return
        command = [word.replace("{run}", run.name).replace("{path}", str(run)) for word in self.check]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CHECK_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AcuvimError(f"Telegraf could not check the new files ({error}); nothing was changed") from error
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-2000:]
            raise AcuvimError(
                f"Telegraf did not accept the new files, nothing was changed. {' '.join(command)} said: {said}"
            )

    def _move(self, run: Path, files: Files) -> None:
        removed = self.staging / "removed"
        removed.mkdir(exist_ok=True)
        try:
            for name in files.removed:
                os.replace(self.watched / name, removed / name)
            for name in files.added + files.changed:
                os.replace(run / name, self.watched / name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise AcuvimError(
                f"{self.staging} is on another filesystem than {self.watched}: files could be seen half-written; "
                "put the staging folder beside the watched one"
            ) from None
        sync_folder(self.watched)


def _refuse_twice(files: Mapping[str, str]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for name, content in files.items():
        for controller, unit in _polled(content):
            other = seen.setdefault((controller, unit), name)
            if other != name:
                raise AcuvimError(
                    f"{other} and {name} would both poll {controller} unit {unit}, nothing was changed; remove that "
                    "input from the file, take the meter off the targets, or correct the template"
                )


def _polled(content: str) -> Iterator[tuple[str, int]]:
    """Controller and unit of each Modbus input; what is no TOML is for Telegraf to judge."""
    try:
        inputs = tomllib.loads(content).get("inputs", {}).get("modbus", [])
        for one in inputs:
            units = {request["slave_id"] for request in one.get("request", ()) if "slave_id" in request}
            yield from ((one.get("controller", ""), unit) for unit in units or {one.get("slave_id", 0)})
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):
        return


def _must_exist(folder: Path) -> None:
    if not folder.is_dir():
        raise AcuvimError(f"{folder}: no such folder; run the role stack first, or name another")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _write(path: Path, content: str) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(content)
        os.fchmod(file.fileno(), 0o644)
        file.flush()
        os.fsync(file.fileno())
