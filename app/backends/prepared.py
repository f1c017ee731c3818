"""Statements that run many times a second: compiled once, so that SQLAlchemy looks nothing up to send them.

On SQLite they go the ordinary way, through SQLAlchemy's own cache: a statement costs a switch to a thread there anyway.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import CursorResult
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.orm import Session

_POSTGRES: Any = psycopg.dialect()  # type: ignore[no-untyped-call]


class Prepared:
    """A statement of Core whose text never changes: `build` makes it, once, for `sqlite` or `postgresql`."""

    def __init__(self, build: Callable[[str], Any]) -> None:
        self._build = build

    def rows(self, session: Session, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """What the query finds; the columns are attributes of each row."""
        result = self.run(session, parameters)
        if result.dialect.name == "sqlite":
            return result.all()
        make, processors = self._reading
        return [make(_processed(row, processors)) for row in result]

    def run(self, session: Session, parameters: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute it, after what the session has still to write."""
        session.flush()
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            return connection.execute(self._for_sqlite, parameters)
        text, constants = self._text
        return connection.exec_driver_sql(text, {**constants, **parameters})

    @cached_property
    def _for_sqlite(self) -> Any:
        return self._build("sqlite")

    @cached_property
    def _for_postgres(self) -> Any:
        return self._build("postgresql")

    @cached_property
    def _text(self) -> tuple[str, dict[str, Any]]:
        compiled = self._for_postgres.compile(dialect=_POSTGRES)
        return str(compiled), {name: bind.value for name, bind in compiled.binds.items() if not bind.required}

    @cached_property
    def _reading(self) -> tuple[Callable[[list[Any]], Any], list[tuple[int, Callable[[Any], Any]]]]:
        """How a row is made: its attributes, and which columns the driver gives in another form than their types say."""
        columns = self._for_postgres.selected_columns
        kinds = [column.type.dialect_impl(_POSTGRES).result_processor(_POSTGRES, None) for column in columns]
        row: Any = namedtuple("row", columns.keys())  # type: ignore[misc]  # noqa: PYI024
        return row._make, [(place, process) for place, process in enumerate(kinds) if process is not None]


def _processed(row: Any, processors: list[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(row)
    for place, process in processors:
        values[place] = process(values[place])
    return values
