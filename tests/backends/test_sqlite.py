"""SQLite under gevent: app/backends/sqlite.py."""

from __future__ import annotations

from pathlib import Path

import gevent
import gevent.event
from sqlalchemy import text

from app.backends.sqlite import writing_engine

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
