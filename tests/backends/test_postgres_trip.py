"""Several statements in one round trip, at a real PostgreSQL: app/backends/postgres_trip.py."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import psycopg
import pytest
from psycopg import errors
from psycopg.pq import TransactionStatus

from app.backends.postgres_connection import Connection
from app.backends.postgres_trip import COMMIT, Step, take_trip
from tests.support.services import Postgres

READ = Step(b"read", b"SELECT id, value FROM pair ORDER BY id")
ECHO = Step(b"echo", b"SELECT length($1::text)")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as running:
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE pair (id int PRIMARY KEY, value int)")
        yield running


@pytest.fixture
def connection(server: Postgres) -> Iterator[Connection]:
    with Connection.connect(server.url) as connection:
        connection.execute("TRUNCATE pair")
        connection.commit()
        yield connection


def add(ident: int, value: int | None) -> Step:
    values = [str(ident).encode(), None if value is None else str(value).encode()]
    return Step(b"add", b"INSERT INTO pair VALUES ($1, $2)", values)


def stored(server: Postgres) -> list[tuple[int, int | None]]:
    with psycopg.connect(server.url) as other:
        return other.execute("SELECT id, value FROM pair ORDER BY id").fetchall()


def test_each_step_sees_what_those_before_it_wrote(connection: Connection) -> None:
    assert take_trip(connection, [READ, add(1, 7), READ, add(2, None), READ]) == [
        [],
        [],
        [(1, 7)],
        [],
        [(1, 7), (2, None)],
    ]
    assert connection.prepared == {b"read", b"add"}


def test_a_trip_begins_a_transaction_and_may_end_it(connection: Connection, server: Postgres) -> None:
    take_trip(connection, [add(1, 1)])
    assert connection.info.transaction_status == TransactionStatus.INTRANS
    assert stored(server) == []
    take_trip(connection, [add(2, 2), COMMIT])
    assert connection.info.transaction_status == TransactionStatus.IDLE
    assert stored(server) == [(1, 1), (2, 2)]


def test_a_step_that_fails_takes_the_rest_of_its_trip_with_it(connection: Connection, server: Postgres) -> None:
    with pytest.raises(errors.UniqueViolation):
        take_trip(connection, [add(1, 1), add(1, 2), add(3, 3), COMMIT])
    assert connection.info.transaction_status == TransactionStatus.INERROR
    connection.rollback()
    assert stored(server) == []
    assert take_trip(connection, [add(1, 1), READ, COMMIT]) == [[], [(1, 1)], []]


def test_a_step_that_was_prepared_in_a_failed_trip_is_known_afterwards(connection: Connection) -> None:
    broken = Step(b"broken", b"SELECT * FROM nothing_of_that_name")
    for _ in range(2):
        with pytest.raises(errors.UndefinedTable):
            take_trip(connection, [READ, broken, ECHO])
        connection.rollback()
    assert take_trip(connection, [READ, ECHO._replace(values=[b"word"])]) == [[], [(4,)]]


def test_steps_larger_than_the_sockets_buffers_get_through(connection: Connection) -> None:
    large = ECHO._replace(values=[b"x" * 8_000_000])
    assert take_trip(connection, [large, large]) == [[(8_000_000,)], [(8_000_000,)]]


def test_others_run_while_a_trip_is_under_way(connection: Connection) -> None:
    trip = gevent.spawn(take_trip, connection, [Step(b"sleep", b"SELECT pg_sleep(0.2)")])
    turns = 0
    while not trip.ready():
        turns += 1
        gevent.sleep(0.01)
    assert trip.get() == [[("",)]]
    assert turns > 5


def test_a_trip_that_is_cut_short_closes_its_connection(connection: Connection, server: Postgres) -> None:
    trip = gevent.spawn(take_trip, connection, [add(1, 1), Step(b"sleep", b"SELECT pg_sleep(5)"), COMMIT])
    gevent.sleep(0.05)
    trip.kill()
    assert connection.closed
    assert stored(server) == []


@pytest.mark.parametrize(
    "spoil", ["DISCARD ALL", "ALTER TABLE pair ALTER value TYPE bigint", "ALTER TABLE pair ALTER value TYPE int"]
)
def test_a_connection_whose_prepared_statements_are_spoiled_is_given_up(connection: Connection, spoil: str) -> None:
    take_trip(connection, [READ, COMMIT])
    connection.autocommit = True
    connection.execute(spoil)
    connection.autocommit = False
    with pytest.raises(psycopg.Error):
        take_trip(connection, [READ, COMMIT])
    assert connection.closed


def test_a_lost_server_is_an_operational_error(connection: Connection, server: Postgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        take_trip(connection, [add(1, 1), COMMIT])
    assert connection.closed
    assert stored(server) == []
