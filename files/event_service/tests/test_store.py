"""The database: how it opens, migrates, refuses and keeps."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from event_service.store import Store, StoreError, database
from event_service.store.database import exclusive, migrate, savepoint

LEFT_OPEN = """
import os, pathlib, sys
from event_service.store import Store
store = Store(pathlib.Path(sys.argv[1]))
with store.write() as db:
    db.executemany("INSERT INTO place VALUES (?, ?, 1)", [(str(n), "x" * 99) for n in range(3000)])
store._connection.execute("PRAGMA wal_checkpoint")
store.check_writable()
os._exit(0)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.fixture
def store(path):
    opened = Store(path)
    yield opened
    opened.close()


def keep_place(db, name):
    db.execute("INSERT INTO place (system_id, location, ts_ns) VALUES (?, 'yard', 1)", (name,))


def keep_twice(db, name):
    """Fails on the second row, when the first already stands."""
    db.executemany("INSERT INTO place (system_id, location, ts_ns) VALUES (?, ?, 1)", [(name, "yard"), (name, "field")])


def places(path):
    """What another program reads from the file."""
    with sqlite3.connect(path) as other:
        return [row[0] for row in other.execute("SELECT system_id FROM place ORDER BY 1")]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)],
    ids=["write-ahead log", "synchronous FULL", "foreign keys"],
)
def test_it_is_opened_so_that_what_is_committed_is_on_disk(store, pragma, value):
    assert store._connection.execute(f"PRAGMA {pragma}").fetchone()[0] == value


def test_a_write_is_seen_by_others_when_it_returns(store, path):
    with store.write() as db:
        keep_place(db, "rig_01")

    assert places(path) == ["rig_01"]


def test_a_write_that_raises_leaves_nothing(store, path):
    with pytest.raises(sqlite3.IntegrityError), store.write() as db:
        keep_twice(db, "rig_01")

    assert places(path) == []
    store.check_writable()


def test_an_attempt_within_a_write_can_be_taken_back_alone(store, path):
    with store.write() as db:
        keep_place(db, "kept")
        with pytest.raises(sqlite3.IntegrityError), savepoint(db):
            keep_twice(db, "taken back")

    assert places(path) == ["kept"]


def test_a_full_disk_is_named_and_writing_works_again_once_there_is_space(store):
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreError, match="disk is full") as refused, store.write() as db:
        keep_place(db, "x" * 1_000_000)

    assert refused.value.full
    with store.read() as db:
        assert db.execute("SELECT count(*) FROM place").fetchone()[0] == 0
    store._connection.execute("PRAGMA max_page_count = 1000000")
    store.check_writable()


def test_a_lock_held_by_another_program_is_told_not_waited_for_ever(store, path):
    store._connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="try again"):
        store.check_writable()

    other.execute("ROLLBACK")
    store.check_writable()
    other.close()


def test_a_file_that_is_no_database_is_refused_with_the_remedy(path):
    path.write_bytes(b"this is not a database" * 100)

    with pytest.raises(StoreError, match="restore the last backup"):
        Store(path)


def test_a_damaged_database_left_open_by_its_last_user_is_refused(path):
    subprocess.run([sys.executable, "-c", LEFT_OPEN, str(path)], check=True)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 20_000)

    with pytest.raises(StoreError, match="cannot be used"):
        Store(path)


def test_a_newer_database_is_refused(store, path):
    store._connection.execute("PRAGMA user_version = 99")

    with pytest.raises(StoreError, match="version 99, this program knows up to"):
        Store(path)


def test_migrations_run_in_order_from_every_older_version_and_keep_a_copy(tmp_path, path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_one.sql").write_text("CREATE TABLE one (x);")
    with sqlite3.connect(path, isolation_level=None) as db:
        migrate(db, path, folder)
        db.execute("INSERT INTO one VALUES (7)")
        (folder / "0002_two.sql").write_text("CREATE TABLE two AS SELECT x + 1 AS x FROM one;")
        migrate(db, path, folder)
        migrate(db, path, folder)

        assert db.execute("SELECT x FROM two").fetchall() == [(8,)]
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    with sqlite3.connect(tmp_path / "events.db.before-0002") as copy:
        assert copy.execute("SELECT name FROM sqlite_master").fetchall() == [("one",)]


def test_a_migration_that_fails_leaves_the_version_before_it(tmp_path, path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_one.sql").write_text("CREATE TABLE one (x);")
    (folder / "0002_bad.sql").write_text("CREATE TABLE two (x); SELECT nonsense;")
    db = sqlite3.connect(path, isolation_level=None)

    with pytest.raises(sqlite3.OperationalError):
        migrate(db, path, folder)
    db.close()

    with sqlite3.connect(path) as seen:
        assert seen.execute("SELECT name FROM sqlite_master").fetchall() == [("one",)]
        assert seen.execute("PRAGMA user_version").fetchone() == (1,)


def test_migrations_with_a_hole_are_refused(tmp_path):
    (tmp_path / "0002_two.sql").write_text("")

    with pytest.raises(StoreError, match="count from 1 without holes"):
        database.numbered(tmp_path)


def test_a_second_service_on_the_same_database_is_refused(path):
    with exclusive(path), pytest.raises(StoreError, match="another event service runs"), exclusive(path):
        pass
    with exclusive(path):
        pass
