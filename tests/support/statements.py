"""Which statements a block sends to the database, by SQLAlchemy or in a trip, and how the database would run them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from app.backends.postgres_trip import take_trip
from app.backends.transaction import database


@dataclass(frozen=True, slots=True)
class Noted:
    """One statement with its parameters, as it was sent."""

    text: str
    parameters: Any

    def explain(self) -> str:
        """How the database would run it now."""
        how = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
        with database.engine.connect() as connection:
            if not isinstance(self.parameters, list):
                rows: list[Any] = list(connection.exec_driver_sql(how + self.text, self.parameters))
                return "\n".join(str(row[-1]) for row in rows)
            driven: Any = connection.connection.driver_connection
            result = driven.pgconn.exec_params((how + self.text).encode(), self.parameters)
            return "\n".join(result.get_value(row, 0).decode() for row in range(result.ntuples))


@contextmanager
def noted() -> Iterator[list[Noted]]:
    """The statements of the block, without BEGIN and COMMIT."""
    statements: list[Noted] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "EXPLAIN")):
            statements.append(Noted(statement, parameters))

    def trip(connection: Any, steps: Any) -> Any:
        statements.extend(Noted(step.text.decode(), list(step.values)) for step in steps if step.name)
        return take_trip(connection, steps)

    engines = {database.engine, database.read_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        with patch("app.backends.prepared.take_trip", trip):
            yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The texts of the statements, there when the block is over."""
    texts: list[str] = []
    with noted() as statements:
        yield texts
    texts += [statement.text for statement in statements]
