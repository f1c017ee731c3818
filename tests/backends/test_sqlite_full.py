"""A full disk under SQLite: writes are refused and may be tried again, reading goes on, nothing half-written stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.backends.bus_memory import MemoryBus
from app.backends.transaction import Database
from app.core.clock import SystemClock
from app.core.errors import AppError


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database()
    database.bind(sqlite_url, clock=SystemClock(), publish=MemoryBus().publish)
    with database.transaction() as work:
        work.session.execute(text("CREATE TABLE notes (body TEXT)"))
    yield database
    database.dispose()


def limit_pages(database: Database, more: int) -> None:
    """Let the file grow by that many pages: SQLite then says what it says on a full disk (SQLITE_FULL)."""
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + more}")


def write(database: Database, count: int) -> None:
    with database.transaction() as work:
        for _ in range(count):
            work.session.execute(text("INSERT INTO notes VALUES (hex(randomblob(2000)))"))


def notes(database: Database) -> int:
    with database.reading() as session:
        return int(session.execute(text("SELECT count(*) FROM notes")).scalar_one())


def test_a_full_disk_refuses_writes_and_recovers(database: Database) -> None:
    write(database, 1)
    limit_pages(database, more=4)
    with pytest.raises(AppError) as why:
        write(database, 50)
    assert why.value.code == "database_unavailable"
    assert why.value.retryable
    assert notes(database) == 1
    limit_pages(database, more=1000)
    write(database, 50)
    assert notes(database) == 51
