"""Statements that run many times a second: compiled once, and several of them in one round trip.

On PostgreSQL they go straight to the driver: SQLAlchemy's execution costs more than such a statement does. On SQLite they go
the ordinary way, through SQLAlchemy's own cache: a statement costs a switch to a thread there anyway.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
import psycopg
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import psycopg as driver
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.backends.postgres_trip import COMMIT, Rows, Step, take_trip

_POSTGRES: Any = driver.dialect(paramstyle="numeric_dollar", json_deserializer=orjson.loads)  # type: ignore[no-untyped-call]
Parameters = Mapping[str, str | int | datetime]


class Prepared:
    """A statement of Core whose text never changes: `build` makes it, once, for `sqlite` or `postgresql`.

    Its parameters are texts (JSON of `Bulk`), numbers or instants.
    """

    def __init__(self, build: Callable[[str], Any]) -> None:
        self._build = build

    def rows(self, session: Session, parameters: Parameters) -> Sequence[Any]:
        """What the query finds; the columns are attributes of each row. What the session has still to write goes first."""
        return ask(session, Asked(self, parameters))[0]

    def step(self, parameters: Parameters) -> Step:
        """It and `parameters` as PostgreSQL gets them."""
        name, text, constants, order = self._text
        given = {**constants, **parameters}
        return Step(name, text, [_as_text(given[key]) for key in order])

    def read(self, rows: Rows) -> Sequence[Any]:
        """The rows as `rows` gives them, of what PostgreSQL has found."""
        make, processors = self._reading
        return [make(_processed(row, processors)) for row in rows]

    @cached_property
    def for_sqlite(self) -> Any:
        """The statement as SQLAlchemy executes it on SQLite."""
        return self._build("sqlite")

    @cached_property
    def _for_postgres(self) -> Any:
        return self._build("postgresql")

    @cached_property
    def _text(self) -> tuple[bytes, bytes, dict[str, Any], list[str]]:
        """Its name, its text, the values that never change, and the order of all values."""
        compiled = self._for_postgres.compile(dialect=_POSTGRES)
        text = str(compiled).encode()
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        return sha256(text).hexdigest()[:16].encode(), text, constants, compiled.positiontup

    @cached_property
    def _reading(self) -> tuple[Callable[[list[Any]], Any], list[tuple[int, Callable[[Any], Any]]]]:
        """How a row is made: its attributes, and which columns the driver gives in another form than their types say."""
        columns = self._for_postgres.selected_columns
        kinds = [column.type.dialect_impl(_POSTGRES).result_processor(_POSTGRES, None) for column in columns]
        row: Any = namedtuple("row", columns.keys())  # type: ignore[misc]  # noqa: PYI024
        return row._make, [(place, process) for place, process in enumerate(kinds) if process is not None]


class Asked(NamedTuple):
    """A prepared statement with its parameters."""

    statement: Prepared
    parameters: Parameters


def ask(session: Session, *asked: Asked) -> list[Sequence[Any]]:
    """The rows of each query, in one round trip; each sees what is committed when those before it are done."""
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return [connection.execute(one.statement.for_sqlite, one.parameters).all() for one in asked]
    found = _take_trip(connection, [one.statement.step(one.parameters) for one in asked])
    return [one.statement.read(rows) for one, rows in zip(asked, found, strict=True)]


def run(session: Session, *asked: Asked, and_commit: bool = False) -> None:
    """Execute statements that answer nothing, in order and in one round trip, which the commit may be part of."""
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        for one in asked:
            connection.execute(one.statement.for_sqlite, one.parameters)
    else:
        steps = [one.statement.step(one.parameters) for one in asked]
        _take_trip(connection, [*steps, COMMIT] if and_commit else steps)
    if and_commit:
        session.commit()  # on PostgreSQL: SQLAlchemy's own books, the driver knows that it is done


def _take_trip(connection: Connection, steps: list[Step]) -> list[Rows]:
    """Raises DBAPIError, as SQLAlchemy wraps what the driver says."""
    driven: Any = connection.connection.driver_connection
    try:
        return take_trip(driven, steps)
    except psycopg.Error as why:
        if driven.closed:
            connection.invalidate(why)
        lost, dialect = driven.closed, connection.dialect
        raise DBAPIError.instance(None, None, why, psycopg.Error, connection_invalidated=lost, dialect=dialect) from why


def _as_text(value: str | int | datetime) -> bytes:
    return (value.isoformat() if isinstance(value, datetime) else str(value)).encode()


def _processed(row: Any, processors: list[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(row)
    for place, process in processors:
        values[place] = process(values[place])
    return values
