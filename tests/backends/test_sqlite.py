"""SQLite under gevent: app/backends/sqlite.py."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.backends.sqlite import PooledConnection, ReadingConnection, create_private, writing_engine

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000) SELECT sum(i) FROM n"


def test_a_greenlet_that_ends_within_a_statement_leaves_the_database_usable(tmp_path: Path) -> None:
    engine = writing_engine(f"sqlite:///{tmp_path}/any.db")
    running = gevent.event.Event()

    def read_slowly() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1")).all()
            running.set()
            connection.execute(text(SLOW)).all()

    for _ in range(3):
        running.clear()
        greenlet = gevent.spawn(read_slowly)
        running.wait()
        gevent.sleep(0.01)
        greenlet.kill()
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


def test_closing_cuts_short_what_still_runs_in_a_thread(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "any.db", factory=PooledConnection, check_same_thread=False)
    running = gevent.spawn(connection.cursor().execute, SLOW.replace("500000", "50000000"))
    gevent.sleep(0.05)
    connection.close()  # without waiting for the thread, this is a segmentation fault
    running.join()
    assert isinstance(running.exception, sqlite3.OperationalError)
    assert str(running.exception) == "interrupted"


def test_a_query_with_its_begin_takes_one_turn_and_to_end_reading_none(tmp_path: Path) -> None:
    turns: list[str] = []

    class Counted(ReadingConnection):
        def run(self, function: Callable[..., Any], *args: Any) -> Any:
            turns.append(function.__name__)
            return super().run(function, *args)

    connection = sqlite3.connect(tmp_path / "any.db", factory=Counted, check_same_thread=False, isolation_level=None)
    connection.begin_with("BEGIN")
    cursor = connection.cursor()
    assert cursor.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3").fetchone() == (1,)
    assert connection.in_transaction
    assert [*cursor] == [(2,), (3,)]
    connection.rollback()
    assert not connection.in_transaction
    assert len(turns) == 1
    connection.close()


def test_a_transaction_without_a_statement_never_begins(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    connection = sqlite3.connect(path, factory=PooledConnection, check_same_thread=False, isolation_level=None)
    for end in (connection.commit, connection.rollback):
        connection.begin_with("BEGIN IMMEDIATE")
        end()
        connection.cursor().execute("SELECT 1")
        assert not connection.in_transaction
    connection.close()


def test_a_writer_that_has_begun_keeps_others_out_and_undoes_what_fails(tmp_path: Path) -> None:
    engine = writing_engine(f"sqlite:///{tmp_path}/any.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        other = sqlite3.connect(tmp_path / "any.db", timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IntegrityError):
            connection.execute(text("INSERT INTO t VALUES (1)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0
        rows = connection.execute(text("SELECT 1 UNION SELECT 2 UNION SELECT 3"))
        assert (rows.fetchone(), rows.fetchmany(1), rows.fetchall()) == ((1,), [(2,)], [(3,)])
    engine.dispose()


def test_a_new_database_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    before = os.umask(0o022)
    try:
        engine = writing_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE things (id INTEGER)")
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        engine.dispose()
    finally:
        os.umask(before)
    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}


def test_a_database_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    path.touch()
    path.chmod(0o640)
    create_private(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
