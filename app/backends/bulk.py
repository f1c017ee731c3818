"""Rows as one JSON parameter: a constant statement for any number of rows, compiled, prepared and sent once.

Statements select from the result as from any table (`json_to_recordset`, `json_each`). One text is far cheaper to send than
an array for each column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import JSON, FromClause, Text, bindparam, cast, column, func, select, type_coerce
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

Columns = Mapping[str, TypeEngine[Any]]

_SQLITE = sqlite.dialect()


class Bulk:
    """A table made of a parameter: `Bulk("drafts", {"n": Integer(), "room_id": Uuid(as_uuid=False)})`."""

    def __init__(self, name: str, columns: Columns) -> None:
        self._name = name
        self._columns = dict(columns)
        self.names = tuple(columns)
        self._for_sqlite = [kind.dialect_impl(_SQLITE).bind_processor(_SQLITE) for kind in columns.values()]

    def table(self, dialect: str) -> FromClause:
        """What to select from, with the columns in `.c`."""
        return self._recordset() if dialect == "postgresql" else self._each()

    def parameters(self, dialect: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The parameter that makes the table hold `rows`, values in the order of the columns."""
        values: list[Any]
        if dialect == "postgresql":
            values = [dict(zip(self.names, row, strict=True)) for row in rows]
        else:
            values = [
                [process(value) if process else value for process, value in zip(self._for_sqlite, row, strict=True)]
                for row in rows
            ]
        return {self._name: orjson.dumps(values).decode()}

    def _recordset(self) -> FromClause:
        rows = cast(bindparam(self._name, type_=Text()), JSON())
        columns = [column(name, kind) for name, kind in self._columns.items()]
        return func.json_to_recordset(rows).table_valued(*columns, name=self._name).render_derived(with_types=True)

    def _each(self) -> FromClause:
        each = func.json_each(bindparam(self._name)).table_valued("value", name=f"{self._name}_json")
        values = [
            type_coerce(func.json_extract(each.c.value, f"$[{index}]"), kind).label(name)
            for index, (name, kind) in enumerate(self._columns.items())
        ]
        return select(*values).subquery(self._name)
