"""The database's time: app/backends/dbclock.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import gevent
import psycopg
import pytest

from app.backends import dbclock
from app.backends.bus_memory import MemoryBus
from app.backends.transaction import Database
from app.core.clock import SystemClock
from tests.backends.test_postgres import bind
from tests.support.waiting import eventually

WRONG_BY_S = 5.0
NEAR_S = 1.0  # a busy machine is late with an answer


@pytest.fixture
def database(postgres_server_url: str) -> Iterator[Database]:
    database = bind(postgres_server_url)
    yield database
    database.dispose()


def test_a_clock_that_is_wrong_is_corrected_by_the_databases(
    database: Database, postgres_server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_time = dbclock.time.time
    monkeypatch.setattr("time.time", lambda: true_time() + WRONG_BY_S)
    clock = SystemClock()
    loop = gevent.spawn(dbclock.keep_in_step, database, clock)
    eventually(lambda: clock.offset_ms)
    loop.kill()
    assert abs(clock.offset_ms + WRONG_BY_S * 1000) < NEAR_S * 1000
    with psycopg.connect(postgres_server_url) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    assert abs((clock.now() - row[0]).total_seconds()) < NEAR_S


def test_a_slow_reading_loses_against_a_quick_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([(0.5, 250.0), (0.001, 1.0), (0.2, -90.0)])
    monkeypatch.setattr(dbclock, "_reading", lambda database: next(readings))
    assert dbclock.measure_offset_ms(database) == 1.0


def test_sqlite_runs_on_this_machine(sqlite_url: str) -> None:
    database = Database()
    database.bind(sqlite_url, clock=SystemClock(), publish=MemoryBus().publish)
    assert dbclock.measure_offset_ms(database) == 0
    database.dispose()


def test_the_loop_waits_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbclock, "RETRY_S", 0.01)
    database = bind("postgresql://nobody@127.0.0.1:9/none")
    clock = SystemClock()
    loop = gevent.spawn(dbclock.keep_in_step, database, clock)
    gevent.sleep(0.1)
    assert not loop.dead
    assert clock.offset_ms == 0
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 1
    loop.kill()
    database.dispose()
