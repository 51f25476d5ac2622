"""The SQLite file: how it is opened, migrated, written and guarded."""

from __future__ import annotations

import fcntl
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 5.0


class StoreError(Exception):
    """The database cannot be used; the text says why and what to do. `full` when the disk is."""

    def __init__(self, text: str, *, full: bool = False):
        super().__init__(text)
        self.full = full


class Store:
    """One connection for everything, kept open: on a full disk a new one could not even read (WAL needs its index).

    A lock lets one thread in at a time; another process may read beside it.
    """

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.RLock()
        try:
            self._connection = _connect(path)
            _check(self._connection, path)
            migrate(self._connection, path)
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"the database {path} cannot be used: {error}. Move it away and restore the last backup"
            ) from error

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on disk when this returns; an exception takes all of it back."""
        with self._lock, _told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection, for reading one consistent state."""
        with self._lock, _told():
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def check_writable(self) -> None:
        """Raise StoreError unless a change reaches the disk."""
        with self.write() as db:
            db.execute("INSERT INTO heartbeat (id, beats) VALUES (1, 1) ON CONFLICT DO UPDATE SET beats = beats + 1")

    def close(self) -> None:
        with self._lock:
            self._connection.close()


@contextmanager
def savepoint(db: sqlite3.Connection) -> Iterator[None]:
    """Within a transaction: take back what was done in here when it raises."""
    db.execute("SAVEPOINT attempt")
    try:
        yield
    except BaseException:
        # On a full disk SQLite has taken the whole transaction back already.
        if db.in_transaction:
            db.execute("ROLLBACK TO attempt")
        raise
    finally:
        if db.in_transaction:
            db.execute("RELEASE attempt")


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the database for one running service: two would both send heartbeats and make every report twice."""
    with path.with_name(path.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"another event service runs on {path}; stop it, or set DB_PATH to another file") from None
        yield


def migrate(connection: sqlite3.Connection, path: Path, folder: Path = MIGRATIONS) -> None:
    """Bring the database to the newest numbered migration; a copy of the old state is kept beside it first."""
    steps = numbered(folder)
    present = connection.execute("PRAGMA user_version").fetchone()[0]
    if present > len(steps):
        raise StoreError(
            f"the database {path} has version {present}, this program knows up to {len(steps)}: "
            "run the newer release, or restore a backup of the older one"
        )
    if 0 < present < len(steps):
        _keep_copy(connection, path, present)
    for number, script in enumerate(steps[present:], present + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script.read_text()}\nPRAGMA user_version = {number};\nCOMMIT;")


def numbered(folder: Path) -> list[Path]:
    """The migrations 0001_*.sql, 0002_*.sql, … in order, without holes."""
    scripts = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    numbers = [int(re.match(r"\d+", script.name)[0]) for script in scripts]
    if numbers != list(range(1, len(scripts) + 1)):
        raise StoreError(f"migrations in {folder} are numbered {numbers}; they must count from 1 without holes")
    return scripts


def _keep_copy(connection: sqlite3.Connection, path: Path, version: int) -> None:
    copy = path.with_name(f"{path.name}.before-{version + 1:04d}")
    copy.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(copy),))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for pragma in (
        "journal_mode = WAL",
        # NORMAL loses acknowledged writes when the power fails.
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = OFF",
        f"journal_size_limit = {16 * 1024 * 1024}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Look the file over before the first write when its last user did not close it."""
    log = path.with_name(path.name + "-wal")
    if not log.exists() or log.stat().st_size == 0:
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


@contextmanager
def _told() -> Iterator[None]:
    """SQLite's troubles with disk and locks as StoreError."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == "SQLITE_FULL":
            raise StoreError("the data disk is full; free space on it", full=True) from error
        if error.sqlite_errorname == "SQLITE_ERROR":
            raise  # a fault in a statement of ours
        raise StoreError(f"the database cannot be used now ({error}); try again") from error
