"""Rows as a parameter: one constant statement for any number of rows, so that it is compiled, prepared and sent once.

PostgreSQL gets one array per column (`unnest`), SQLite one JSON text (`json_each`); statements select from the result as from
any table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import FromClause, bindparam, column, func, select, type_coerce
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

Columns = Mapping[str, TypeEngine[Any]]

_SQLITE = sqlite.dialect()


class Bulk:
    """A table made of parameters: `Bulk("drafts", {"n": Integer(), "room_id": Uuid(as_uuid=False)})`."""

    def __init__(self, name: str, columns: Columns) -> None:
        self._name = name
        self._columns = dict(columns)
        self.names = tuple(columns)
        self._to_json = [kind.dialect_impl(_SQLITE).bind_processor(_SQLITE) for kind in columns.values()]

    def table(self, dialect: str) -> FromClause:
        """What to select from, with the columns in `.c`."""
        return self._arrays() if dialect == "postgresql" else self._json()

    def parameters(self, dialect: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The parameters that make the table hold `rows`, values in the order of the columns."""
        if dialect == "postgresql":
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(self._columns)
            return {f"{self._name}_{name}": list(values) for name, values in zip(self._columns, columns, strict=True)}
        values = [
            [process(value) if process else value for process, value in zip(self._to_json, row, strict=True)]
            for row in rows
        ]
        return {self._name: orjson.dumps(values).decode()}

    def _arrays(self) -> FromClause:
        arrays = [bindparam(f"{self._name}_{name}", type_=ARRAY(kind)) for name, kind in self._columns.items()]
        columns = [column(name, kind) for name, kind in self._columns.items()]
        return func.unnest(*arrays).table_valued(*columns, name=self._name).render_derived()

    def _json(self) -> FromClause:
        each = func.json_each(bindparam(self._name)).table_valued("value", name=f"{self._name}_json")
        values = [
            type_coerce(func.json_extract(each.c.value, f"$[{index}]"), kind).label(name)
            for index, (name, kind) in enumerate(self._columns.items())
        ]
        return select(*values).subquery(self._name)
