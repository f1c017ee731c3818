"""SQLite under gevent: app/backends/sqlite.py."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import gevent
import gevent.event
from sqlalchemy import text

from app.backends.sqlite import PooledConnection, writing_engine

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
