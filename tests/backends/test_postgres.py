"""A real PostgreSQL that is slow, full, restarted or in conflict: app/backends/postgres.py and transaction.py."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import gevent
import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import literal, select, text
from sqlalchemy.orm import Session
from structlog.testing import CapturingLogger

from app.backends import breaker, postgres
from app.backends.bus_memory import MemoryBus
from app.backends.prepared import Prepared
from app.backends.transaction import Database, Transaction
from app.core.clock import SystemClock
from app.core.errors import AppError
from app.settings import Settings
from tests.support.services import Postgres
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of this module's own: it is restarted and filled."""
    with Postgres(settings={"max_connections": "20"}) as running:
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE pair (id int PRIMARY KEY, value int); INSERT INTO pair VALUES (1, 0), (2, 0)"
            )
        yield running


def bind(url: str) -> Database:
    database = Database()
    sqlalchemy_url = Settings.from_env({"DATABASE_URL": url}, dotenv=None).sqlalchemy_url
    database.bind(sqlalchemy_url, clock=SystemClock(), publish=MemoryBus().publish)
    return database


@pytest.fixture
def database(server: Postgres) -> Iterator[Database]:
    database = bind(server.url)
    yield database
    database.dispose()


def answers(database: Database) -> bool:
    try:
        with database.transaction() as work:
            work.session.execute(text("SELECT 1"))
    except AppError:
        return False
    return True


def refusal(database: Database, statement: str) -> AppError:
    with pytest.raises(AppError) as why, database.transaction() as work:
        work.session.execute(text(statement))
    return why.value


def test_a_slow_statement_does_not_block_the_loop(database: Database) -> None:
    ticks: list[float] = []

    def tick() -> None:
        while True:
            ticks.append(time.monotonic())
            gevent.sleep(0.01)

    ticker = gevent.spawn(tick)
    with database.transaction() as work:
        work.session.execute(text("SELECT pg_sleep(1)"))
    ticker.kill()
    assert len(ticks) > 20, "a loop that is blocked ticks twice"
    assert max(after - before for before, after in itertools.pairwise(ticks)) < 0.8


def test_a_restart_is_survived_without_a_restart_of_ours(server: Postgres, database: Database) -> None:
    assert answers(database)
    server.stop()
    assert not answers(database)
    eventually(lambda: database.breaker is not None and database.breaker.is_open)
    began = time.monotonic()
    refused = [answers(database) for _ in range(100)]
    assert not any(refused)
    assert time.monotonic() - began < 1, "refusing must be instant"
    server.start()
    eventually(lambda: answers(database), within_s=5)


def test_why_the_database_is_away_is_logged_without_the_password(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(breaker, "log", log)
    lost = bind(server.database_url("no_such").replace("greenroom@", "greenroom:hunter2-hunter2@"))
    try:
        assert not answers(lost)
        eventually(lambda: lost.breaker is not None and lost.breaker.is_open)
    finally:
        lost.dispose()
    (call,) = log.calls
    assert call.args == ("database_away",)
    assert call.kwargs["why"].startswith("psycopg.OperationalError: ")
    assert 'database "no_such" does not exist' in call.kwargs["why"]
    assert "hunter2" not in call.kwargs["why"]


def test_connections_that_the_server_ended_are_replaced_before_they_are_used(
    server: Postgres, database: Database
) -> None:
    holders = [gevent.spawn(_sleep, database, 0.1) for _ in range(3)]
    gevent.joinall(holders, raise_error=True)
    with psycopg.connect(server.url, autocommit=True) as other:
        others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ended = other.execute(f"SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE {others}").fetchall()
    assert len(ended) >= 3
    assert all(answers(database) for _ in range(4))


def test_a_server_without_free_connections_refuses_but_what_is_connected_works(
    server: Postgres, database: Database
) -> None:
    assert answers(database)
    others = connect_until_full(server)
    try:
        hold = gevent.spawn(_sleep, database, 0.3)
        gevent.sleep(0.05)
        assert not answers(database)
        hold.join()
        eventually(lambda: answers(database), within_s=5)
    finally:
        for other in others:
            other.close()
    eventually(lambda: answers(database), within_s=5)


def connect_until_full(server: Postgres) -> list[psycopg.Connection]:
    connections: list[psycopg.Connection] = []
    while True:
        try:
            connections.append(psycopg.connect(server.url))
        except psycopg.OperationalError:
            return connections


def _sleep(database: Database, seconds: float) -> None:
    with database.transaction() as work:
        work.session.execute(text(f"SELECT pg_sleep({seconds})"))


def _backend(database: Database) -> int:
    """The process that serves the pool's next connection."""
    with database.transaction() as work:
        return int(work.session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_statement_that_runs_too_long_is_ended_and_may_be_tried_again(database: Database) -> None:
    assert refusal(database, "SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)").retryable
    assert database.breaker is not None
    assert not database.breaker.is_open


def test_a_server_that_takes_no_writes_may_be_tried_again_and_is_connected_to_anew(database: Database) -> None:
    before = _backend(database)
    assert refusal(database, "SET TRANSACTION READ ONLY; UPDATE pair SET value = 3 WHERE id = 1").retryable
    assert _backend(database) != before, "a standby that was the primary would be asked for ever"


def test_a_lock_that_is_not_given_up_is_waited_for_only_so_long(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT_MS", 100)
    database = bind(server.url)
    with psycopg.connect(server.url) as other:
        other.execute("UPDATE pair SET value = 1 WHERE id = 1")
        assert refusal(database, "UPDATE pair SET value = 2 WHERE id = 1").retryable
        other.rollback()
    database.dispose()


def test_the_locks_of_a_frozen_worker_are_freed(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "IDLE_IN_TRANSACTION_MS", 100)
    database = bind(server.url)

    def freeze(work: Transaction) -> None:
        work.session.execute(text("UPDATE pair SET value = 5 WHERE id = 1"))
        gevent.sleep(0.4)
        with psycopg.connect(server.url, autocommit=True) as other:
            other.execute("SET lock_timeout = 1000; UPDATE pair SET value = 7 WHERE id = 1")
        work.session.execute(text("SELECT 1"))

    with pytest.raises(AppError, match="database_unavailable"):
        database.run(freeze)
    eventually(lambda: answers(database))
    database.dispose()


def test_a_deadlock_is_run_again_until_both_are_done(database: Database) -> None:
    tries: list[tuple[int, int]] = []

    def crossing(first: int, second: int) -> Callable[[Transaction], None]:
        def action(work: Transaction) -> None:
            tries.append((first, second))
            for row in (first, second):
                work.session.execute(text(f"UPDATE pair SET value = value + 1 WHERE id = {row}"))
                gevent.sleep(0.1)

        return action

    with database.transaction() as work:
        work.session.execute(text("UPDATE pair SET value = 0"))
    runs = [gevent.spawn(database.run, crossing(1, 2)), gevent.spawn(database.run, crossing(2, 1))]
    gevent.joinall(runs, raise_error=True)
    assert len(tries) > 2
    with database.reading() as session:
        assert list(session.scalars(text("SELECT value FROM pair ORDER BY id"))) == [2, 2]


def test_inside_a_transaction_a_conflict_is_the_outer_ones_to_repeat(database: Database) -> None:
    with database.transaction() as outer:
        assert database.run(lambda work: work is outer)


def test_the_schema_of_the_url_and_the_time_limits_hold_together(server: Postgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS apart")
    database = bind(f"{server.url}?{urlencode({'schema': 'apart'})}")
    with database.reading() as session:
        assert session.scalar(text("SELECT current_schema()")) == "apart"
        assert session.scalar(text("SHOW statement_timeout")) == "10s"
        assert session.scalar(text("SHOW timezone")) == "UTC"
    database.dispose()


def test_what_was_prepared_outlives_the_rollback_of_a_reading(database: Database) -> None:
    query = Prepared(lambda dialect: select(literal(7).label("seven")))
    for _ in range(3):
        with database.reading() as session:
            for _ in range(10):  # more than psycopg needs to prepare a statement of its own
                session.execute(text("SELECT value FROM pair WHERE id = :id"), {"id": 1})
            assert [row.seven for row in query.rows(session, {})] == [7]


def test_reading_takes_no_transaction_and_leaves_none_behind(server: Postgres, database: Database) -> None:
    with database.transaction() as work:
        work.session.execute(text("CREATE TABLE things (id int)"))
    with database.reading() as session:
        session.execute(text("SELECT 1"))
        assert _status(session) is TransactionStatus.IDLE
        assert [tuple(row) for row in Prepared(lambda _: select(literal(1).label("one"))).rows(session, {})] == [(1,)]
        assert _status(session) is TransactionStatus.IDLE
        with psycopg.connect(server.url.replace("+psycopg", "")) as other:
            other.execute("INSERT INTO things VALUES (1)")
        assert session.scalar(text("SELECT count(*) FROM things")) == 1
    with database.transaction() as work:
        work.session.execute(text("DELETE FROM things"))
        assert _status(work.session) is TransactionStatus.INTRANS
        work.session.rollback()
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM things")) == 1


def _status(session: Session) -> TransactionStatus:
    connection: psycopg.Connection = session.connection().connection.dbapi_connection  # type: ignore[assignment]
    return connection.info.transaction_status
